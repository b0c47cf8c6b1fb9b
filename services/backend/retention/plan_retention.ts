import type { Kysely } from "kysely";
import type { Database } from "../store/database.ts";
import { countDays } from "../store/retention/count_days.ts";
import { type DuePart, dueParts, type NextDrop, nextDrop } from "../store/retention/due_parts.ts";
import { keptParts } from "../store/retention/kept_parts.ts";
import type { RetentionPolicy } from "../store/retention/retention_policy.ts";
import { isRolledUp } from "../store/retention/is_rolled_up.ts";

/** Something that would go now. */
export interface PlannedDrop {
  readonly part: DuePart;
  /** Such as 2026-11-25, in order: those (UTC) of which there is something. */
  readonly days: readonly string[];
  /** Readings; of rollups, buckets. */
  readonly count: number;
  /** Of a partition that stays, the share of these rows. */
  readonly bytes: number;
  /** Whether it stays for a while, until rollups tell all of it. */
  readonly waits: boolean;
}

export interface RetentionPlan {
  readonly drops: readonly PlannedDrop[];
  readonly next: NextDrop | undefined;
}

/** What `Retainer` would do now, and what it would do next. It counts what is due, which takes a while. */
export async function planRetention(
  db: Kysely<Database>,
  policy: RetentionPolicy,
  nowMs: number,
): Promise<RetentionPlan> {
  const parts = await keptParts(db);
  const drops: PlannedDrop[] = [];
  for (const part of dueParts(parts, policy, nowMs)) {
    const drop = await planDrop(db, part);
    // Of a partition that stays, or one that was never written to.
    if (drop.count > 0 || part.rowsBeforeMicros === undefined) drops.push(drop);
  }
  return { drops, next: nextDrop(parts, policy, nowMs) };
}

async function planDrop(db: Kysely<Database>, part: DuePart): Promise<PlannedDrop> {
  const { kind, partition, rowsBeforeMicros: beforeMicros = Infinity, bytes } = part;
  const counts = [...await countDays(db, part)];
  const due = counts.filter(([day]) => Date.parse(day) * 1_000 < beforeMicros);
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  const count = due.reduce((sum, [, count]) => sum + count, 0);
  const days = due.map(([day]) => day);
  const isReadings = kind === "rows" || kind === "history";
  const untilMicros = Math.min(partition.untilMicros, beforeMicros);
  return {
    part,
    days,
    count,
    bytes: beforeMicros === Infinity ? bytes : Math.round(bytes * count / Math.max(all, 1)),
    waits: isReadings && count > 0 &&
      !await isRolledUp(db, { ...partition, untilMicros }),
  };
}
