import { type Kysely, sql } from "kysely";
import type { Database } from "../../services/backend/store/database.ts";

/** Every column, index and constraint, as the database describes them; a partition's are its parent's. */
export async function schemaOf(db: Kysely<Database>): Promise<readonly string[]> {
  const { rows } = await sql<{ line: string }>`
    with parts as (select relname from pg_class where relispartition)
    select concat_ws(' ', table_name,
      row_number() over (partition by table_name order by ordinal_position),
      column_name, data_type, collation_name, is_nullable, column_default) as line
    from information_schema.columns
    where table_schema = 'public' and table_name not in (select relname from parts)
    union all
    select indexdef from pg_indexes
    where schemaname = 'public' and tablename not in (select relname from parts)
    union all
    select concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
    from pg_constraint
    where connamespace = 'public'::regnamespace
      and conrelid not in (select oid from pg_class where relispartition)
    union all
    select concat('invalid ', indexrelid::regclass) from pg_index where not indisvalid
    order by 1`.execute(db);
  return rows.map(({ line }) => line).filter((line) => !line.includes("kysely_migration"));
}
