import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { instant } from "../readings/instant.ts";

/**
 * Whether the rollups of what is before `untilMicros` say all that its readings
 * do, so that these may go: rollups are not made anew of what is left.
 */
export async function rolledBefore(db: Kysely<Database>, untilMicros: number): Promise<boolean> {
  const { rolled } = await db.selectFrom("reading_progress")
    .select((is) =>
      is.or([
        is("dropped_until", ">=", instant(untilMicros)),
        is.and([
          is("rolled_until", ">=", instant(untilMicros)),
          is.not(is.exists(
            is.selectFrom("rollup_marks").select("hour")
              .whereRef("hour", ">=", "dropped_until")
              .where("hour", "<", instant(untilMicros)),
          )),
        ]),
      ]).as("rolled")
    )
    .executeTakeFirstOrThrow();
  return rolled === true;
}

/** Notes that readings of before `untilMicros` are gone, in the transaction that they go in. */
export async function droppedBefore(
  transaction: Kysely<Database>,
  untilMicros: number,
): Promise<void> {
  await transaction.updateTable("reading_progress")
    .set({ dropped_until: sql<Date>`greatest(dropped_until, ${instant(untilMicros)})` })
    .execute();
}
