import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Database } from "../database.ts";

export interface ParkedFilter {
  readonly deviceId: string | undefined;
  /** Only readings that have been parked for longer, in milliseconds. */
  readonly olderThanMs: number | undefined;
}

/** What is parked of one device; instants in Unix milliseconds. */
export interface ParkedDevice {
  readonly deviceId: string;
  readonly count: number;
  readonly oldestMs: number;
  readonly newestMs: number;
  readonly parkedSinceMs: number;
  /** Registered by now: the job `release_parked` releases these, but for those that are refused. */
  readonly known: boolean;
  readonly refused: number;
  /** Why one of the refused is; null if none is. */
  readonly refusal: string | null;
}

export interface ParkedPage {
  readonly devices: readonly ParkedDevice[];
  /** Where the next page starts; undefined when this is the last. */
  readonly next: string | undefined;
}

/** The devices that have parked readings, by id, from after the id `after`. */
export async function listParked(
  db: Kysely<Database>,
  filter: ParkedFilter,
  { after, maxDevices }: { readonly after: string; readonly maxDevices: number },
): Promise<ParkedPage> {
  const { deviceId, olderThanMs } = filter;
  const only = deviceId === undefined ? sql`true` : sql`device_id = ${deviceId}`;
  const { rows } = await sql<ParkedDevice>`
    with recursive ${parkedIds({ after, limit: maxDevices, only })}
    select id as "deviceId", parked.*,
      exists (select from iot_devices where device_id = id) as known
    from ids cross join lateral (
      select count(*)::int as "count",
        count(refused)::int as refused, max(refused) as refusal,
        ${millis(sql`min("timestamp")`)} as "oldestMs",
        ${millis(sql`max("timestamp")`)} as "newestMs",
        ${millis(sql`min(parked_at)`)} as "parkedSinceMs"
      from parked_readings where device_id = id and ${parkedBefore(olderThanMs)}
    ) parked
    where id is not null
    order by id`.execute(db);
  return {
    devices: rows.filter(({ count }) => count > 0),
    next: rows.length < maxDevices ? undefined : rows.at(-1)!.deviceId,
  };
}

/**
 * A recursive common table expression `ids (id, n)` of up to `limit` devices that
 * have parked readings, by id, from after the id `after`; the last id may be null.
 * Steps from id to id in the index, so that a page costs what its own devices
 * have parked.
 */
export function parkedIds({ after, limit, only = sql`true` }: {
  readonly after: string;
  readonly limit: number;
  readonly only?: RawBuilder<unknown>;
}): RawBuilder<unknown> {
  return sql`
    ids (id, n) as (
      (
        select device_id, 1 from parked_readings where device_id > ${after} and ${only}
        order by device_id limit 1
      )
      union all
      select (
        select device_id from parked_readings where device_id > ids.id and ${only}
        order by device_id limit 1
      ), n + 1
      from ids where id is not null and n < ${limit}::int
    )`;
}

/** A condition on `parked_readings`: parked for longer than that. */
export function parkedBefore(olderThanMs: number | undefined) {
  return olderThanMs === undefined
    ? sql`true`
    : sql`parked_at < now() - ${olderThanMs}::float8 * interval '1 millisecond'`;
}

function millis(instant: ReturnType<typeof sql>) {
  return sql`floor(extract(epoch from ${instant}) * 1000)::float8`;
}
