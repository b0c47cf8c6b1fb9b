import { type Kysely, sql } from "kysely";

/**
 * Where devices lie on the nodes of a Citus cluster, has tables lie there, too, each
 * row beside its device; elsewhere it does nothing. As unchanging as the migrations
 * that say so.
 */
export async function distributeLikeDevices(
  db: Kysely<unknown>,
  ...tables: readonly string[]
): Promise<void> {
  if (!await areDevicesDistributed(db)) return;
  for (const table of tables) {
    await sql`
      select create_distributed_table(${table}, 'device_id', colocate_with => 'iot_devices')`
      .execute(db);
  }
}

async function areDevicesDistributed(db: Kysely<unknown>): Promise<boolean> {
  const { rows: [citus] } = await sql`select from pg_extension where extname = 'citus'`.execute(db);
  if (citus === undefined) return false;
  const { rows: [found] } = await sql`
    select from pg_dist_partition where logicalrelid = 'iot_devices'::regclass`.execute(db);
  return found !== undefined;
}
