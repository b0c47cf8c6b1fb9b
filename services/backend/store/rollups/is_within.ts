import type { Span } from "./plan_buckets.ts";

/** Whether an instant is of one of the spans. */
export function isWithin(micros: number, spans: readonly Span[]): boolean {
  return spans.some(({ fromMicros, untilMicros }) => micros >= fromMicros && micros < untilMicros);
}
