import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { instant } from "../rows/instant.ts";
import { multirange } from "../rollups/dropped_spans.ts";
import type { Span } from "../rollups/plan_buckets.ts";
import { rollupProgress } from "../rollups/rollup_progress.ts";

/**
 * Whether the rollups of a span say all that its readings do, so that these may go:
 * rollups are not made anew of what is left.
 */
export async function isRolledUp(
  db: Kysely<Database>,
  { fromMicros, untilMicros }: Span,
): Promise<boolean> {
  const { dropped, rolledUntilMicros } = await rollupProgress(db);
  if (rolledUntilMicros < untilMicros) return false;
  const marked = await db.selectFrom("rollup_marks").select("hour")
    .where("hour", ">=", instant(fromMicros))
    .where("hour", "<", instant(untilMicros))
    .where(sql<boolean>`not hour <@ ${multirange(dropped)}`)
    .limit(1).executeTakeFirst();
  return marked === undefined;
}
