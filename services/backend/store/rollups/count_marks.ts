import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";

/** How many marks there are, up to `most`. */
export async function countMarks(db: Kysely<Database>, most: number): Promise<number> {
  const { count } = await db
    .selectFrom((from) => from.selectFrom("rollup_marks").select("hour").limit(most).as("some"))
    .select(sql<number>`count(*)::int`.as("count"))
    .executeTakeFirstOrThrow();
  return count;
}
