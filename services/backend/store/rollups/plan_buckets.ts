import { isWithin } from "./is_within.ts";
import {
  dayLevel,
  hourLevel,
  hourMicros,
  minuteLevel,
  type RollupLevel,
  type RollupTable,
} from "./rollup_levels.ts";
import type { RollupProgress } from "./rollup_progress.ts";

/** From `fromMicros` until before `untilMicros`, in Unix microseconds. */
export interface Span {
  readonly fromMicros: number;
  readonly untilMicros: number;
}

/** Where the readings of some time are to be read from, so that each is once. */
export interface BucketPlan {
  /** Of each table, buckets that begin in these. */
  readonly rollups: Readonly<Record<RollupTable, readonly Span[]>>;
  readonly readings: readonly Span[];
}

export interface PlanOptions {
  /** Width of the wanted buckets, which begin at its multiples since `bucketOrigin`. */
  readonly bucketMicros: number;
  /** Beginnings of hours that rollups do not tell. */
  readonly marked: ReadonlySet<number>;
  readonly progress: Pick<
    RollupProgress,
    "rolledUntilMicros" | "dropped" | "rollupsDroppedUntilMicros"
  >;
}

/** The coarsest first. */
const levels = [dayLevel, hourLevel, minuteLevel];

/**
 * By the coarsest rollups whose buckets lie within the wanted ones; what is left
 * of it at both ends by finer ones, and by the readings at last, as are marked
 * hours and what is not rolled up yet.
 */
export function planBuckets(
  { fromMicros, untilMicros }: Span,
  { bucketMicros, marked, progress }: PlanOptions,
): BucketPlan {
  const { rolledUntilMicros, dropped, rollupsDroppedUntilMicros } = progress;
  const fitting = levels.filter((level) => bucketMicros % level.bucketMicros === 0);
  const plan = {
    rollups: { rollups_minute: [], rollups_hour: [], rollups_day: [] },
    readings: [],
  } as Record<"rollups", Record<RollupTable, Span[]>> & Record<"readings", Span[]>;
  const cover = (span: Span, [level, ...finer]: readonly RollupLevel[]): void => {
    if (span.fromMicros >= span.untilMicros) return;
    if (level === undefined) return addSpan(plan.readings, span);
    const width = level.bucketMicros;
    const least = Math.max(span.fromMicros, rollupsDroppedUntilMicros[level.table]);
    const from = Math.ceil(least / width) * width;
    const until = Math.floor(span.untilMicros / width) * width;
    if (from >= until) return cover(span, finer);
    cover({ ...span, untilMicros: from }, finer);
    addSpan(plan.rollups[level.table], { fromMicros: from, untilMicros: until });
    cover({ ...span, fromMicros: until }, finer);
  };
  let at = fromMicros;
  for (const hour of [...marked].sort((a, b) => a - b)) {
    const hole = within({ fromMicros: hour, untilMicros: hour + hourMicros }, at, untilMicros);
    // What is left of its readings tells less than its rollups do.
    if (hole.fromMicros >= hole.untilMicros || isWithin(hour, dropped)) continue;
    if (hour >= rolledUntilMicros) break;
    cover({ fromMicros: at, untilMicros: hole.fromMicros }, fitting);
    addSpan(plan.readings, hole);
    at = hole.untilMicros;
  }
  const rolled = within({ fromMicros: at, untilMicros }, at, rolledUntilMicros);
  cover(rolled, fitting);
  addSpan(plan.readings, within({ fromMicros: at, untilMicros }, rolledUntilMicros, untilMicros));
  return plan;
}

function within({ fromMicros, untilMicros }: Span, least: number, most: number): Span {
  return {
    fromMicros: Math.max(fromMicros, least),
    untilMicros: Math.min(untilMicros, most),
  };
}

/** Adds one after those that are there, to the last of which it may be joined. */
function addSpan(spans: Span[], span: Span): void {
  if (span.fromMicros >= span.untilMicros) return;
  const last = spans.at(-1);
  if (last?.untilMicros === span.fromMicros) {
    spans[spans.length - 1] = { ...last, untilMicros: span.untilMicros };
  } else spans.push(span);
}
