import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Database } from "../database.ts";
import { rollupColumns } from "./rollup_columns.ts";
import type { RollupLevel } from "./rollup_levels.ts";

/**
 * Writes buckets, but for those that are there and the same; their partitions must
 * be there.
 *
 * @param rows A query of tenant, device, beginning, and `rollupColumns`.
 * @returns readings of buckets that were written.
 */
export async function upsertBuckets(
  transaction: Kysely<Database>,
  { table }: RollupLevel,
  rows: RawBuilder<unknown>,
): Promise<number> {
  const { rows: [written] } = await sql<{ readonly readings: number }>`
    with written as (
      insert into ${sql.table(table)} as kept (tenant_id, device_id, starts_at, ${columnsOf()})
      ${rows}
      on conflict (tenant_id, device_id, starts_at) do update
      set ${sql.join(rollupColumns.map(excluded))}
      where (${columnsOf("kept")}) is distinct from (${columnsOf("excluded")})
      returning readings
    )
    select coalesce(sum(readings), 0)::float8 as readings from written`.execute(transaction);
  return written!.readings;
}

function excluded(column: string): RawBuilder<unknown> {
  return sql`${sql.id(column)} = ${sql.ref(`excluded.${column}`)}`;
}

function columnsOf(table?: string): RawBuilder<unknown> {
  const prefix = table === undefined ? "" : `${table}.`;
  return sql.join(rollupColumns.map((column) => sql.ref(`${prefix}${column}`)));
}
