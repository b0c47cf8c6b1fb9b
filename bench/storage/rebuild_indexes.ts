import { type Kysely, sql } from "kysely";
import type { Database } from "../../services/backend/store/database.ts";
import { dayMicros, dayOf, partitionName } from "../../services/backend/store/partitions/days.ts";
import { type ReadingBytes, tableBytes } from "./table_bytes.ts";

/**
 * Builds the indexes of the day before an instant anew, full to the brim, as can
 * be done with a day that is over, and tells what its rows take then.
 */
export async function rebuildIndexes(
  db: Kysely<Database>,
  untilUs: number,
): Promise<ReadingBytes> {
  const today = dayOf(untilUs);
  const name = partitionName(today - dayMicros, today);
  await sql`alter index ${sql.table(`${name}_pkey`)} set (fillfactor = 100)`.execute(db);
  await sql`reindex table ${sql.table(name)}`.execute(db);
  const { rows: [counted] } = await sql<{ readonly readings: number }>`
    select count(*)::float8 as readings from ${sql.table(name)}`.execute(db);
  return {
    form: "rows of a day, indexes rebuilt",
    readings: counted!.readings,
    ...await tableBytes(db, name),
  };
}
