import { dayOf } from "../partitions/days.ts";
import { older } from "../partitions/close_days.ts";
import type { KeptPart } from "./kept_parts.ts";
import { dueUntil, type RetentionPolicy } from "./retention_policy.ts";

/** What is due: a partition, or of one that stays what comes before an instant. */
export interface DuePart extends KeptPart {
  /** Rows of before it are due; in Unix microseconds, a day's beginning. Undefined for the whole. */
  readonly rowsBeforeMicros: number | undefined;
}

/** What goes next, if nothing is changed until then. */
export interface NextDrop {
  readonly part: KeptPart;
  /** When its time has come; Unix milliseconds. */
  readonly atMs: number;
}

/** Those of the parts that are due, in the order in which they go. A partition that stays may have no such rows. */
export function dueParts(
  parts: readonly KeptPart[],
  policy: RetentionPolicy,
  nowMs: number,
): readonly DuePart[] {
  const until = dueUntil(policy, nowMs);
  const newest = newestRows(parts);
  const whole = parts.filter((part) => isWhole(part) && part !== newest)
    .filter(({ kind, partition }) => partition.untilMicros <= until[kind])
    .map((part) => ({ ...part, rowsBeforeMicros: undefined }));
  const names = new Set(whole.map(({ partition }) => partition.name));
  const late = parts
    .filter(({ table, kind, partition }) =>
      kind === "rows" && partition.fromMicros === -Infinity && !names.has(partition.name) &&
      // Those are packed before long.
      !(table === "closed_readings" && policy.packs)
    )
    .map((part) => ({
      ...part,
      rowsBeforeMicros: Math.min(dayOf(until.rows), part.partition.untilMicros),
    }))
    .filter(({ rowsBeforeMicros }) => rowsBeforeMicros > -Infinity);
  return [...whole, ...late];
}

/** The one of which the time comes next, after now. */
export function nextDrop(
  parts: readonly KeptPart[],
  policy: RetentionPolicy,
  nowMs: number,
): NextDrop | undefined {
  const newest = newestRows(parts);
  return parts.filter((part) => isWhole(part) && part !== newest)
    .map((part) => ({
      part,
      atMs: part.partition.untilMicros / 1_000 + policy.keptMs[part.kind],
    }))
    .filter(({ atMs }) => atMs > nowMs && atMs < Infinity)
    .reduce<NextDrop | undefined>(
      (next, each) => next === undefined || each.atMs < next.atMs ? each : next,
      undefined,
    );
}

/** Whether it goes as a whole, once its time has come. */
function isWhole({ partition }: KeptPart): boolean {
  return partition.name !== older;
}

/** The one of the newest rows stays: there must be one to go on from. */
function newestRows(parts: readonly KeptPart[]): KeptPart | undefined {
  return parts.findLast(({ table }) => table === "sensor_readings");
}
