import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";

/**
 * Moves `last_seen` of devices forward to the instants given, in Unix
 * microseconds by device id; never back, and never past now.
 */
export async function touchDevices(
  db: Kysely<Database>,
  seen: ReadonlyMap<string, number>,
): Promise<void> {
  const rows = [...seen].map(([id, micros]) => ({ id, micros }));
  await sql`
    with incoming as materialized (
      select id, least(now(), timestamptz 'epoch' + micros * interval '1 microsecond') as at
      from json_to_recordset(${JSON.stringify(rows)}) as r(id text, micros double precision)
    ),
    ordered as materialized (
      select d.device_id, i.at
      from iot_devices d join incoming i on i.id = d.device_id
      where d.last_seen < i.at
      order by 1
      for no key update of d
    )
    update iot_devices d set last_seen = ordered.at
    from ordered
    where d.device_id = ordered.device_id and d.last_seen < ordered.at`.execute(db);
}
