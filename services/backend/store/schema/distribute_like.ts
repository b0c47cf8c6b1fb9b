import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";

/** Has a new table lie on the nodes of a Citus cluster as another one does, if that does. */
export async function distributeLike(
  db: Kysely<Database>,
  like: string,
  table: string,
): Promise<void> {
  const { rows: [citus] } = await sql`select from pg_extension where extname = 'citus'`.execute(db);
  if (citus === undefined) return;
  const { rows: [distributed] } = await sql`
    select from pg_dist_partition where logicalrelid = to_regclass(${like})`.execute(db);
  if (distributed === undefined) return;
  await sql`
    select create_distributed_table(${table}, 'device_id', colocate_with => ${like})`.execute(db);
}
