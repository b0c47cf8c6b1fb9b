import { type Kysely, sql, type Transaction } from "kysely";
import { migrations } from "#migrations/index.ts";
import type { Database } from "../database.ts";

/** What undoing a migration takes out of a table. */
export interface LostData {
  readonly table: string;
  /** The columns that go; undefined if the table does. */
  readonly columns: readonly string[] | undefined;
  /** Exact up to 100,000; past that an estimate. */
  readonly rows: number;
}

/** Rows that are counted, at most: more are estimated. */
const mostCounted = 100_000;

/** The data that undoing an applied migration would take. */
export async function findLostData(
  db: Kysely<Database>,
  migration: string,
): Promise<readonly LostData[]> {
  const { down, takesNoData } = migrations[migration] ?? {};
  if (takesNoData) return [];
  return await tryOut(db, async (trial) => await down?.(trial));
}

/**
 * The data that `undo` would take: it is done, looked at, and rolled back. That
 * locks its tables for a moment, and waits 5 seconds at most for those who use
 * them.
 */
export async function tryOut(
  db: Kysely<Database>,
  undo: (trial: Transaction<Database>) => Promise<void>,
): Promise<readonly LostData[]> {
  const trial = await db.startTransaction().execute();
  try {
    await sql`set local lock_timeout = '5s'`.execute(trial);
    const before = await columnsOf(trial);
    await sql`savepoint before`.execute(trial);
    await undo(trial);
    const after = await columnsOf(trial);
    await sql`rollback to savepoint before`.execute(trial);
    const lost: LostData[] = [];
    for (const [table, columns] of before) {
      const left = after.get(table);
      const gone = columns.filter((column) => !left?.includes(column));
      if (gone.length === 0) continue;
      const rows = await rowsOf(trial, table);
      lost.push({ table, columns: left === undefined ? undefined : gone, rows });
    }
    return lost;
  } finally {
    await trial.rollback().execute();
  }
}

/** Columns by table; a partition's are its parent's. */
async function columnsOf(
  trial: Transaction<Database>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await sql<{ readonly table: string; readonly columns: readonly string[] }>`
    select c.oid::regclass::text as "table", array_agg(a.attname::text order by a.attnum) as columns
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = current_schema()::regnamespace
      and c.relkind in ('r', 'p') and not c.relispartition
    group by c.oid order by c.oid`.execute(trial);
  return new Map(rows.map(({ table, columns }) => [table, columns]));
}

/** @param table as `regclass` writes it, quoted where it must be. */
async function rowsOf(trial: Transaction<Database>, table: string): Promise<number> {
  const { rows: [counted] } = await sql<{ readonly rows: number }>`
    select count(*)::int as rows from (select 1 from ${sql.raw(table)} limit ${
    mostCounted + 1
  }) as t`
    .execute(trial);
  if (counted!.rows <= mostCounted) return counted!.rows;
  const { rows: [estimated] } = await sql<{ readonly rows: number }>`
    select sum(greatest(reltuples, 0))::float8 as rows from pg_class
    where relkind = 'r' and (
      oid = ${table}::regclass or oid in (select relid from pg_partition_tree(${table}::regclass))
    )`.execute(trial);
  return Math.max(counted!.rows, estimated!.rows);
}
