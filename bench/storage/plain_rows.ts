import { type Kysely, sql } from "kysely";
import { type MeasuredColumns, measures } from "#shared/telemetry/measures.ts";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import type { ReadingPosition, ReadingRow } from "../../services/backend/readings/reading_row.ts";
import {
  float8Array,
  int8Array,
  textArray,
  timestamptzArray,
} from "../../services/backend/store/connection/binary_array.ts";
import type { Database } from "../../services/backend/store/database.ts";
import { instant } from "../../services/backend/store/readings/instant.ts";
import {
  measureColumnNames,
  measureColumns,
} from "../../services/backend/store/readings/measure_columns.ts";
import {
  place,
  placedColumns,
  type PlacedReading,
} from "../../services/backend/store/readings/read_readings.ts";

/** The same readings in one table with the same keys: what all is measured by. */
export class PlainRows {
  readonly #db: Kysely<Database & { plain_readings: Database["sensor_readings"] }>;

  constructor(db: Kysely<Database>) {
    this.#db = db.withTables<{ plain_readings: Database["sensor_readings"] }>();
  }

  /** Makes the table, with all that `sensor_readings` has, in the order in which that has it. */
  async copy(): Promise<void> {
    await sql`
      create table plain_readings (
        like sensor_readings including defaults,
        primary key (tenant_id, device_id, "timestamp", tie_break)
      )`.execute(this.#db);
    await sql`create index on plain_readings using brin ("timestamp")`.execute(this.#db);
    await sql`insert into plain_readings select * from sensor_readings`.execute(this.#db);
    await sql`
      alter table plain_readings add foreign key (tenant_id, device_id)
        references iot_devices (tenant_id, device_id)`.execute(this.#db);
  }

  /** Stores a batch by the statement that one table needs. */
  async write(rows: readonly ReadingRow[]): Promise<number> {
    const { rows: [written] } = await sql<{ readonly count: number }>`
      with written as (
        insert into plain_readings (tenant_id, device_id, "timestamp", tie_break, ${measureColumns})
        select ${defaultTenant}::int, device_id, "timestamp", tie_break, ${measureColumns}
        from unnest(
          ${textArray(rows.map(({ deviceId }) => deviceId))}::text[],
          ${timestamptzArray(rows.map(({ micros }) => micros))}::timestamptz[],
          ${int8Array(rows.map(({ tieBreak }) => tieBreak))}::int8[],
          ${
      sql.join(measures.map((_, at) =>
        sql`${float8Array(rows.map(({ values }) => values[at]))}::float8[]`
      ))
    }
        ) as record(device_id, "timestamp", tie_break, ${measureColumns})
        order by device_id collate "C", "timestamp", tie_break
        on conflict do nothing
        returning tenant_id
      )
      select count(*)::int as count from written`.execute(this.#db);
    return written!.count;
  }

  /** A device's readings, newest first. */
  async page(
    deviceId: string,
    before: ReadingPosition | undefined,
    limit: number,
  ): Promise<readonly PlacedReading[]> {
    const rows = await this.#db.selectFrom("plain_readings")
      .select(placedColumns)
      .where("tenant_id", "=", defaultTenant)
      .where("device_id", "=", deviceId)
      .$if(before !== undefined, (query) =>
        query.where((is) =>
          is(
            is.refTuple("timestamp", "tie_break"),
            "<",
            is.tuple(instant(before!.micros), sql<string>`${String(before!.tieBreak)}::bigint`),
          )
        ))
      .orderBy("timestamp", "desc").orderBy("tie_break", "desc")
      .limit(limit)
      .execute();
    return rows.map(place);
  }

  /** The newest reading of each of the devices. */
  async newest(deviceIds: readonly string[]): Promise<readonly PlacedReading[]> {
    const rows = await this.#db.selectFrom("iot_devices as d")
      .crossJoinLateral((from) =>
        from.selectFrom("plain_readings as r")
          .select(placedColumns)
          .whereRef("r.tenant_id", "=", "d.tenant_id")
          .whereRef("r.device_id", "=", "d.device_id")
          .orderBy("timestamp", "desc").orderBy("tie_break", "desc")
          .limit(1)
          .as("latest")
      )
      .selectAll("latest")
      .where("d.tenant_id", "=", defaultTenant)
      .where("d.device_id", "=", sql<string>`any(${textArray(deviceIds)}::text[])`)
      .execute();
    return rows.map(place);
  }

  /** A device's readings as `readBuckets` has them, but for the last ones. */
  async buckets(
    deviceId: string,
    { fromMicros, untilMicros, bucketSeconds }: {
      readonly fromMicros: number;
      readonly untilMicros: number;
      readonly bucketSeconds: number;
    },
  ): Promise<readonly unknown[]> {
    const summaries = measureColumnNames.map((column) => {
      const value = sql.ref(column);
      return sql`min(${value}), max(${value}), avg(${value})`;
    });
    const { rows } = await sql<MeasuredColumns>`
      select date_bin(${bucketSeconds}::float8 * interval '1 second', "timestamp",
          timestamptz '1970-01-05 00:00+00') as start,
        count(*), ${sql.join(summaries)}
      from plain_readings
      where tenant_id = ${defaultTenant}::int and device_id = ${deviceId}
        and "timestamp" >= ${instant(fromMicros)} and "timestamp" < ${instant(untilMicros)}
      group by 1 order by 1`.execute(this.#db);
    return rows;
  }
}
