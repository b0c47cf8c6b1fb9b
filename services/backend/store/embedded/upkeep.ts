import type { PGlite } from "@electric-sql/pglite";

/** Write-ahead log since the last checkpoint that calls for the next one. */
const mostLogBytes = 32 * 1024 * 1024;
/** Dead rows of a table, as a share of all and at least, that are worth a look at all of it. */
const deadShare = 0.2;
const leastDead = 1_000;
/** Rows that came since a table was looked at, in the same way, that are worth another look at some. */
const newShare = 0.2;
const leastNew = 1_000;

/**
 * What the background processes of a server would do, and PGlite has none:
 * checkpoints, without which the log grows until the end and the start after a
 * crash takes as long as all that was written; vacuum, without which a table
 * grows with each update; and analyze, without which a device's readings seem
 * few enough to be sorted for each page.
 */
export async function upkeep(pglite: PGlite): Promise<void> {
  // Neither may be part of one. The next time will do.
  if (pglite.isInTransaction()) return;
  const { rows: [log] } = await pglite.query<{ bytes: number }>(
    `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn)::float8 as bytes
    from pg_control_checkpoint()`,
  );
  const { rows: tables } = await pglite.query<{ name: string; worn: boolean }>(
    `select * from (
      select relid::regclass::text as name,
        n_dead_tup >= greatest($1::float8, $2::float8 * n_live_tup) as worn,
        n_mod_since_analyze >= greatest($3::float8, $4::float8 * n_live_tup) as changed
      from pg_stat_user_tables
    ) tables where worn or changed`,
    [leastDead, deadShare, leastNew, newShare],
  );
  for (const { name, worn } of tables) {
    await pglite.exec(worn ? `vacuum (analyze) ${name}` : `analyze ${name}`);
  }
  if (log!.bytes >= mostLogBytes) await pglite.exec("checkpoint");
}
