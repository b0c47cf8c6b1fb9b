import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";

export interface RelationSize {
  /** With what is stored out of line. */
  readonly tableBytes: number;
  /** Of a table that Citus distributes they are counted with the table. */
  readonly indexBytes: number;
}

/** What tables take on the disk, by name; of a partitioned one its partitions are not counted. */
export async function relationSizes(
  db: Kysely<Database>,
  names: readonly string[],
): Promise<ReadonlyMap<string, RelationSize>> {
  const { rows } = await sql<RelationSize & { readonly name: string }>`
    select name, pg_table_size(to_regclass(name))::float8 as "tableBytes",
      pg_indexes_size(to_regclass(name))::float8 as "indexBytes"
    from json_array_elements_text(${JSON.stringify(names)}) as names(name)
    where to_regclass(name) is not null`.execute(db);
  const sizes = new Map(rows.map(({ name, ...size }) => [name, size]));
  for (const { name, bytes } of await distributedSizes(db)) {
    if (sizes.has(name)) sizes.set(name, { tableBytes: bytes, indexBytes: 0 });
  }
  return sizes;
}

/** Of tables whose rows are on the nodes of a Citus cluster. */
async function distributedSizes(
  db: Kysely<Database>,
): Promise<readonly { readonly name: string; readonly bytes: number }[]> {
  const { rows: [citus] } = await sql`select from pg_extension where extname = 'citus'`.execute(db);
  if (citus === undefined) return [];
  const { rows } = await sql<{ readonly name: string; readonly bytes: number }>`
    select c.relname::text as name, sum(z.size)::float8 as bytes
    from pg_dist_shard s
      join pg_class c on c.oid = s.logicalrelid
      join citus_shard_sizes() z on z.shard_id = s.shardid
    group by c.relname`.execute(db);
  return rows;
}
