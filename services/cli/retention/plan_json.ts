import { dayFileName } from "../../backend/archive/day_file_name.ts";
import type { RetentionPlan } from "../../backend/retention/plan_retention.ts";

/** An object for each partition that would go, and one for what goes next. */
export function planJson(
  { drops, next }: RetentionPlan,
  archive: string | undefined,
): readonly string[] {
  const objects = drops.map(({ part: { kind, table, partition, rowsBeforeMicros }, ...drop }) => ({
    kind,
    table,
    partition: partition.name,
    whole: rowsBeforeMicros === undefined,
    days: drop.days,
    count: drop.count,
    bytes: drop.bytes,
    waits: drop.waits,
    files: archive === undefined || !(kind === "rows" || kind === "history")
      ? []
      : drop.days.map((day) => `${archive}/${dayFileName(day, 1)}`),
  }));
  const following = next && {
    next: next.part.partition.name,
    at: new Date(next.atMs).toISOString(),
    bytes: next.part.bytes,
  };
  return [...objects, ...following ? [following] : []].map((object) => JSON.stringify(object));
}
