import { type Kysely, sql } from "kysely";
import type { Database } from "../../services/backend/store/database.ts";

/** Every column, index and constraint, as the database describes them. */
export async function schemaOf(db: Kysely<Database>): Promise<readonly string[]> {
  const { rows } = await sql<{ line: string }>`
    select concat_ws(' ', table_name,
      row_number() over (partition by table_name order by ordinal_position),
      column_name, data_type, collation_name, is_nullable, column_default) as line
    from information_schema.columns where table_schema = 'public'
    union all
    select indexdef from pg_indexes where schemaname = 'public'
    union all
    select concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
    from pg_constraint where connamespace = 'public'::regnamespace
    union all
    select concat('invalid ', indexrelid::regclass) from pg_index where not indisvalid
    order by 1`.execute(db);
  return rows.map(({ line }) => line).filter((line) => !line.includes("kysely_migration"));
}
