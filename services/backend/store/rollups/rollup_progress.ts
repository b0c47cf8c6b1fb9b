import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Database } from "../database.ts";
import { instant } from "../rows/instant.ts";
import { droppedBounds, multirange, spansBetween } from "./dropped_spans.ts";
import type { Span } from "./plan_buckets.ts";
import type { RollupTable } from "./rollup_levels.ts";

/** How far rollups are; all in Unix microseconds, -Infinity where it has not begun. */
export interface RollupProgress {
  /** Buckets that end there or before are rolled up, but for the hours that are marked. */
  readonly rolledUntilMicros: number;
  /** Who stores readings of before it marks their hours. */
  readonly markingUntilMicros: number;
  /** Days of before it are closed: their readings may be in any table. */
  readonly openFromMicros: number;
  /** Days of which readings are gone: in order, and apart from each other. */
  readonly dropped: readonly Span[];
  /** Buckets of before it are gone, or were never made. */
  readonly rollupsDroppedUntilMicros: Readonly<Record<RollupTable, number>>;
  /** By the database's clock. */
  readonly nowMicros: number;
}

export async function rollupProgress(db: Kysely<Database>): Promise<RollupProgress> {
  const row = await db.selectFrom("reading_progress")
    .select((eb) => [
      microsOf(eb.ref("rolled_until")).as("rolledUntilMicros"),
      microsOf(eb.ref("marking_until")).as("markingUntilMicros"),
      microsOf(eb.ref("open_from")).as("openFromMicros"),
      droppedBounds.as("bounds"),
      microsOf(eb.ref("minutes_dropped_until")).as("minutes"),
      microsOf(eb.ref("hours_dropped_until")).as("hours"),
      microsOf(eb.ref("days_dropped_until")).as("days"),
      microsOf(sql`now()`).as("nowMicros"),
    ])
    .executeTakeFirstOrThrow();
  const { bounds, minutes, hours, days, ...progress } = row;
  return {
    ...progress,
    dropped: spansBetween(bounds),
    rollupsDroppedUntilMicros: {
      rollups_minute: minutes,
      rollups_hour: hours,
      rollups_day: days,
    },
  };
}

/** Whether readings and rollups are where they were by then, as part of a statement. */
export function isAsBefore(
  { openFromMicros, dropped, rollupsDroppedUntilMicros }: RollupProgress,
): RawBuilder<boolean> {
  const { rollups_minute, rollups_hour, rollups_day } = rollupsDroppedUntilMicros;
  return sql<boolean>`(
    open_from = ${instant(openFromMicros)}
    and dropped = ${multirange(dropped)}
    and minutes_dropped_until = ${instant(rollups_minute)}
    and hours_dropped_until = ${instant(rollups_hour)}
    and days_dropped_until = ${instant(rollups_day)}
  )`;
}

function microsOf(instant: unknown) {
  return sql<number>`(extract(epoch from ${instant}) * 1000000)::float8`;
}

/**
 * Has who stores readings of before `untilMicros` mark their hours. A statement
 * under way by then may not: see `writersUnderWay`.
 */
export async function markUntil(db: Kysely<Database>, untilMicros: number): Promise<void> {
  await db.updateTable("reading_progress")
    .set({ marking_until: instant(untilMicros) })
    .where("marking_until", "<", instant(untilMicros))
    .execute();
}

/** In the transaction that has written the last of the buckets that end there or before. */
export async function rolledUntil(db: Kysely<Database>, untilMicros: number): Promise<void> {
  await db.updateTable("reading_progress").set({ rolled_until: instant(untilMicros) }).execute();
}
