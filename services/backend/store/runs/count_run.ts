import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { parkedIds } from "../parked/list_parked.ts";
import { instant } from "../readings/instant.ts";
import { afterKey, type ReadingKey } from "../readings/reading_key.ts";
import { scan, type Span } from "./read_run.ts";

export type ReadingTable = "sensor_readings" | "parked_readings";

/** A span that may be open at either end. */
export type OpenSpan = Partial<Span>;

/**
 * How many rows each of the devices has within the span, in the order of
 * `deviceIds`; of one that has `limit` or more, `limit`.
 */
export async function countUpTo(
  db: Kysely<Database>,
  table: ReadingTable,
  { deviceIds, span, limit }: {
    readonly deviceIds: readonly string[];
    readonly span: OpenSpan;
    readonly limit: number;
  },
): Promise<readonly number[]> {
  const rows = await scan(
    db,
    sql<{ readonly count: number }>`
    select counted."count"
    from json_array_elements_text(${JSON.stringify(deviceIds)}) with ordinality as wanted(id, at)
    cross join lateral (
      select count(*)::int as "count" from (
        select from ${sql.table(table)} where device_id = wanted.id and ${within(span)}
        limit ${limit}::int
      ) found
    ) counted
    order by wanted.at`,
  );
  return rows.map(({ count }) => count);
}

/**
 * Counts up to `limit` rows from after the key `after`, in the order of the
 * keys; those of one device and span, or all. `last` is where to go on, and
 * undefined at the end.
 */
export async function countPage(
  db: Kysely<Database>,
  table: ReadingTable,
  { deviceId, span = {}, after, limit }: {
    readonly deviceId?: string;
    readonly span?: OpenSpan;
    readonly after: ReadingKey | undefined;
    readonly limit: number;
  },
): Promise<{ readonly count: number; readonly last: ReadingKey | undefined }> {
  const only = deviceId === undefined ? sql`true` : sql`device_id = ${deviceId}`;
  const [last] = await scan(
    db,
    sql<ReadingKey & { readonly count: number }>`
    with page as materialized (
      select device_id, "timestamp", tie_break from ${sql.table(table)}
      where ${afterKey(after)} and ${only} and ${within(span)}
      order by device_id, "timestamp", tie_break
      limit ${limit}::int
    )
    select (select count(*)::int from page) as "count", device_id as "deviceId",
      (extract(epoch from "timestamp") * 1000000)::float8 as micros, tie_break::text as "tieBreak"
    from page order by page.device_id desc, page."timestamp" desc, page.tie_break desc limit 1`,
  );
  if (last === undefined) return { count: 0, last: undefined };
  const { count, ...key } = last;
  return { count, last: count < limit ? undefined : key };
}

/** Ids of registered devices, by id from after `after`. */
export async function pageDeviceIds(
  db: Kysely<Database>,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await db.selectFrom("iot_devices").select("device_id")
    .where("device_id", ">", after).orderBy("device_id").limit(limit).execute();
  return rows.map(({ device_id }) => device_id);
}

/** Ids that have parked readings, by id from after `after`. */
export async function pageParkedIds(
  db: Kysely<Database>,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<readonly string[]> {
  const { rows } = await sql<{ readonly id: string }>`
    with recursive ${parkedIds({ after, limit })}
    select id from ids where id is not null order by id`.execute(db);
  return rows.map(({ id }) => id);
}

function within({ fromMicros, untilMicros }: OpenSpan) {
  const from = fromMicros === undefined ? sql`true` : sql`"timestamp" >= ${instant(fromMicros)}`;
  const until = untilMicros === undefined ? sql`true` : sql`"timestamp" < ${instant(untilMicros)}`;
  return sql`${from} and ${until}`;
}
