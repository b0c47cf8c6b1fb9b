import { type Kysely, sql, type Transaction } from "kysely";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import type { Database } from "../database.ts";
import { readSchemaVersion, refuseBrokenBy } from "./schema_version.ts";

type Table = keyof Database;

/** Small, and joined with any other: each node has all of it. */
const everywhere: readonly Table[] = ["tenants"];

/**
 * By their `device_id`, so that all rows of a device are on one node, where
 * foreign keys and joins find them. All other tables stay on the coordinator.
 */
const byDevice: readonly Table[] = [
  "iot_devices",
  "sensor_readings",
  "closed_readings",
  "sensor_history",
  "staged_history",
  "parked_readings",
  "rollups_minute",
  "rollups_hour",
  "rollups_day",
  "rollup_marks",
];

const distributedTables: readonly Table[] = [...everywhere, ...byDevice];

/** How a table lies on the nodes of a Citus cluster. */
export interface DistributedTable {
  readonly table: Table;
  /** Undefined where each node has all of it. */
  readonly shards: number | undefined;
  /** Whether it was so before, and was passed over. */
  readonly before: boolean;
}

/** Longest that it waits for those who use the tables, while others wait behind it. */
const lockTimeout = "5s";

/**
 * Distributes the tables over the workers of a Citus cluster, with the rows that
 * they hold; those that are distributed are passed over. It is one transaction,
 * which needs the tables for itself until all rows are copied: a foreign key of
 * a table that is distributed is not checked against the rows that are there, so
 * nobody may write between its end here and its beginning there; and queries that
 * join a table which is distributed with one which is not yet would fail.
 *
 * @param shards Of each table, where none is distributed yet; the others follow the first.
 * @throws {ExitError} if the database is none of a cluster, or its schema not this release's.
 * @throws an error of the SQLSTATE 55P03 if others use the tables for too long.
 */
export async function distributeTables(
  db: Kysely<Database>,
  shards: number,
): Promise<readonly DistributedTable[]> {
  await refuseUnready(db);
  const found = await readShards(db);
  if (distributedTables.every((table) => found.has(table))) return listed(found, found);
  return await db.transaction().execute(async (transaction) => {
    // Those who write take a table before the one that its rows refer to.
    const names = sql.join(distributedTables.toReversed().map((table) => sql.table(table)));
    await sql`set local lock_timeout = ${sql.lit(lockTimeout)}`.execute(transaction);
    await sql`lock table ${names} in access exclusive mode`.execute(transaction);
    await sql`set local lock_timeout = 0`.execute(transaction);
    // Somebody else may have done it meanwhile.
    const before = await readShards(transaction);
    await distribute(transaction, distributedTables.filter((table) => !before.has(table)), shards);
    return listed(before, await readShards(transaction));
  });
}

function listed(before: Shards, after: Shards): readonly DistributedTable[] {
  return distributedTables.map((table) => ({
    table,
    shards: everywhere.includes(table) ? undefined : after.get(table),
    before: before.has(table),
  }));
}

/** @throws {ExitError} where the tables can't be distributed, which says what to do. */
async function refuseUnready(db: Kysely<Database>): Promise<void> {
  const refuse = (why: string) => new ExitError(`Cannot distribute the tables: ${why}`);
  const { rows: [extension] } = await sql`select from pg_extension where extname = 'citus'`
    .execute(db);
  if (extension === undefined) {
    throw refuse(
      "the database is none of a Citus cluster; say create extension citus in it and in its " +
        "like on each worker, and select citus_add_node('HOST', 5432) for each",
    );
  }
  const { rows: [nodes] } = await sql<{ readonly coordinator: boolean; readonly storing: number }>`
    select
      citus_is_coordinator() as coordinator,
      (
        select count(*)::int from pg_dist_node
        where isactive and noderole = 'primary' and shouldhaveshards
      ) as storing`.execute(db);
  if (!nodes!.coordinator) throw refuse("this is a worker of the cluster; name its coordinator");
  if (nodes!.storing === 0) {
    throw refuse(
      "no node stores any; add workers by select citus_add_node('HOST', 5432), or have the " +
        "coordinator itself store them by select citus_set_node_property('HOST', 5432, " +
        "'shouldhaveshards', true)",
    );
  }
  const schema = await readSchemaVersion(db);
  refuseBrokenBy(schema);
  if (schema.missing.length > 0) {
    throw refuse("migrations are missing; say demo-app migrate up first");
  }
  const newest = schema.unknown.at(-1);
  if (newest !== undefined) {
    throw refuse(
      `this release does not know ${newest}; say migrate distribute by the one that applied it`,
    );
  }
}

/** How many shards each table has that is distributed. */
type Shards = ReadonlyMap<string, number>;

async function readShards(db: Kysely<Database>): Promise<Shards> {
  const { rows } = await sql<{ readonly table: string; readonly shards: number }>`
    select relname::text as "table", count(*)::int as shards
    from pg_dist_partition
    join pg_dist_shard using (logicalrelid)
    join pg_class c on c.oid = logicalrelid
    where c.relnamespace = current_schema()::regnamespace
    group by relname`.execute(db);
  return new Map(rows.map(({ table, shards }) => [table, shards]));
}

async function distribute(
  db: Transaction<Database>,
  tables: readonly Table[],
  shards: number,
): Promise<void> {
  // Tables that refer to one that each node has can't be changed on many connections in one transaction.
  await sql`set local citus.multi_shard_modify_mode = 'sequential'`.execute(db);
  await sql`select set_config('citus.shard_count', ${String(shards)}, true)`.execute(db);
  // Between a table that is distributed and one that is not yet there can be none.
  const keys = await foreignKeysOf(db, tables);
  for (const { table, name } of keys) {
    await sql`alter table ${sql.table(table)} drop constraint ${sql.id(name)}`.execute(db);
  }
  for (const table of tables) {
    await (everywhere.includes(table)
      ? sql`select create_reference_table(${table})`
      : sql`select create_distributed_table(${table}, 'device_id', colocate_with => ${
        table === byDevice[0] ? "none" : byDevice[0]
      })`).execute(db);
  }
  for (const { table, name, definition } of keys) {
    await sql`alter table ${sql.table(table)} add constraint ${sql.id(name)} ${sql.raw(definition)}`
      .execute(db);
  }
  // What was copied is still in the coordinator's files, where nothing reads it.
  for (const table of tables) {
    await sql`select truncate_local_data_after_distributing_table(${table})`.execute(db);
  }
}

interface ForeignKey {
  readonly table: string;
  readonly name: string;
  readonly definition: string;
}

/** Those of the tables, and those that lead to them. */
async function foreignKeysOf(
  db: Transaction<Database>,
  tables: readonly Table[],
): Promise<readonly ForeignKey[]> {
  const { rows } = await sql<ForeignKey>`
    select c.relname::text as "table", k.conname::text as name,
      pg_get_constraintdef(k.oid) as definition
    from pg_constraint k join pg_class c on c.oid = k.conrelid
    where k.contype = 'f' and k.conparentid = 0 and exists (
      select from unnest(${[...tables]}::text[]) as t(name)
      where t.name::regclass in (k.conrelid, k.confrelid)
    )
    order by c.relname, k.conname`.execute(db);
  return rows;
}
