import { type Kysely, sql } from "kysely";
import { measures } from "#shared/telemetry/measures.ts";
import type { MeasuredValues } from "#shared/telemetry/measures.ts";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { ReadingColumns } from "../../history/reading_columns.ts";
import { measuredHash } from "../../readings/tie_break.ts";
import { textArray } from "../connection/binary_array.ts";
import {
  type Halves,
  readFloat8Array,
  readInt8Array,
  readTimestamptzArray,
} from "../connection/read_binary_array.ts";
import type { Database } from "../database.ts";
import { instant } from "../readings/instant.ts";
import { measureColumnNames } from "../readings/measure_columns.ts";

/** What of a table's rows is read at once, of each of some devices. */
export interface ColumnsPage {
  readonly tenantId: TenantId;
  readonly deviceIds: readonly string[];
  /** The stretch of time, in Unix microseconds. */
  readonly fromMicros: number;
  readonly untilMicros: number;
  /** Of this one, only the readings from the instant on. */
  readonly resumed: { readonly deviceId: string; readonly fromMicros: number };
  /** Readings of each device, at most: the first ones. */
  readonly limit: number;
}

/** Readings by device, in the order of `deviceIds`; of one that has none, none. */
export async function readColumns(
  db: Kysely<Database>,
  table: "sensor_readings" | "closed_readings",
  { tenantId, deviceIds, fromMicros, untilMicros, resumed, limit }: ColumnsPage,
): Promise<readonly ReadingColumns[]> {
  const rows = await db.selectFrom("iot_devices as d")
    .crossJoinLateral((from) =>
      from.selectFrom((of) =>
        of.selectFrom(`${table} as r`)
          .select(["timestamp", "tie_break", ...measureColumnNames])
          .where("r.tenant_id", "=", tenantId)
          .whereRef("r.device_id", "=", "d.device_id")
          .where("timestamp", ">=", instant(fromMicros))
          .where("timestamp", "<", instant(untilMicros))
          .where(
            "timestamp",
            ">=",
            sql<Date>`
            case when d.device_id = ${resumed.deviceId}::text then ${instant(resumed.fromMicros)}
            else '-infinity' end`,
          )
          .orderBy("timestamp").orderBy("tie_break")
          .limit(limit)
          .as("r")
      )
        .select([
          sql<Uint8Array>`array_send(array_agg("timestamp"))`.as("instants"),
          sql<Uint8Array>`array_send(array_agg(tie_break))`.as("tieBreaks"),
          ...measureColumnNames.map((column) =>
            sql<Uint8Array>`array_send(array_agg(${sql.ref(column)}))`.as(column)
          ),
        ])
        .as("found")
    )
    .select("d.device_id as deviceId")
    .selectAll("found")
    .where("d.tenant_id", "=", tenantId)
    .where("d.device_id", "=", sql<string>`any(${textArray(deviceIds)}::text[])`)
    .where("found.instants", "is not", null)
    .execute();
  const byId = new Map(rows.map((row) => [row.deviceId, columnsFrom(row)]));
  return deviceIds.map((id) => byId.get(id) ?? noReadings);
}

const noReadings: ReadingColumns = {
  count: 0,
  micros: new Float64Array(),
  nanos: undefined,
  values: measures.map(() => new Float64Array()),
  oddTieBreaks: undefined,
};

type PackedRow =
  & { readonly instants: Uint8Array; readonly tieBreaks: Uint8Array }
  & { readonly [Column in (typeof measureColumnNames)[number]]: Uint8Array };

function columnsFrom(row: PackedRow): ReadingColumns {
  const micros = readTimestamptzArray(row.instants);
  const values = measures.map(({ column }) => readFloat8Array(row[column]));
  return {
    count: micros.length,
    micros,
    values,
    ...tieBreaksFrom(readInt8Array(row.tieBreaks), values),
  };
}

/** The bits of a tie break's high half that are of its hash; those above are nanoseconds. */
const hashBitsAbove = 21;
const mostNanos = 999;

/** What of the tie breaks can't be computed from the values. */
function tieBreaksFrom(
  { high, low }: Halves,
  values: readonly Float64Array[],
): Pick<ReadingColumns, "nanos" | "oddTieBreaks"> {
  const measured: MeasuredValues = measures.map(() => undefined);
  let nanos: Uint16Array | undefined;
  let odd: Map<number, bigint> | undefined;
  for (let at = 0; at < high.length; at++) {
    const past = high[at]! >> hashBitsAbove;
    const isPast = past >= 0 && past <= mostNanos;
    if (isPast && past > 0) (nanos ??= new Uint16Array(high.length))[at] = past;
    for (let measure = 0; measure < values.length; measure++) {
      const value = values[measure]![at]!;
      measured[measure] = Number.isNaN(value) ? undefined : value;
    }
    const hash = (high[at]! & (2 ** hashBitsAbove - 1)) * 2 ** 32 + low[at]!;
    if (isPast && hash === measuredHash(measured)) continue;
    (odd ??= new Map()).set(at, BigInt(high[at]!) << 32n | BigInt(low[at]!));
  }
  return { nanos, oddTieBreaks: odd };
}
