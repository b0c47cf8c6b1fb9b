import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Database } from "../database.ts";
import { instant } from "../readings/instant.ts";
import { measureColumns } from "../readings/measure_columns.ts";
import { packedRow, type PackedRows } from "./packed_rows.ts";

/** The instants that are looked at, in Unix microseconds. */
export interface Span {
  readonly fromMicros: number;
  /** The first that is not looked at any more. */
  readonly untilMicros: number;
}

/** The last row of a page, after which the next one starts. */
export interface RowPosition {
  readonly micros: number;
  readonly tieBreak: bigint;
  readonly parked: boolean;
}

/**
 * What is stored, and parked, of each of the devices within the span: at most
 * `limit` rows of each, after `after` if given. The arrays are in the order of
 * `deviceIds`. One statement, so that a reading that is being released is seen
 * in one of its places.
 */
export async function pageRun(
  db: Kysely<Database>,
  { deviceIds, span, after, limit }: {
    readonly deviceIds: readonly string[];
    readonly span: Span;
    readonly after?: RowPosition;
    readonly limit: number;
  },
): Promise<readonly PackedRows[]> {
  const branch = (table: "sensor_readings" | "parked_readings", passed: "<" | "<=") =>
    sql`(
      select "timestamp", tie_break, ${
      sql.raw(table === "parked_readings" ? "'\\x01'::bytea" : "'\\x00'::bytea")
    } as parked,
        ${measureColumns}
      from ${sql.table(table)}
      where device_id = wanted.id
        and "timestamp" >= ${instant(span.fromMicros)}
        and "timestamp" < ${instant(span.untilMicros)}
        ${
      after === undefined
        ? sql``
        : sql`and (${instant(after.micros)}, ${String(after.tieBreak)}::bigint) ${
          sql.raw(passed)
        } ("timestamp", tie_break)`
    }
      order by "timestamp", tie_break
      limit ${limit}
    )`;
  const rows = await scan(
    db,
    sql<{ readonly packed: Uint8Array | null }>`
    select packed.packed
    from json_array_elements_text(${JSON.stringify(deviceIds)}) with ordinality as wanted(id, at)
    cross join lateral (
      select string_agg(
        ${packedRow},
        ''::bytea order by "timestamp", tie_break, parked
      ) as packed
      from (
        select * from (
          ${branch("sensor_readings", "<")}
          union all
          ${branch("parked_readings", after?.parked === false ? "<=" : "<")}
        ) both_places
        order by "timestamp", tie_break, parked
        limit ${limit}
      ) page
    ) packed
    order by wanted.at`,
  );
  return rows.map(({ packed }) => packed ?? new Uint8Array());
}

/**
 * Runs a query without just-in-time compilation, which the planner's guess of
 * 100 devices would call for, and which takes longer than the query itself.
 */
export function scan<Row>(db: Kysely<Database>, query: RawBuilder<Row>): Promise<readonly Row[]> {
  return db.transaction().setAccessMode("read only").execute(async (transaction) => {
    await sql`set local jit = off`.execute(transaction);
    return (await query.execute(transaction)).rows;
  });
}
