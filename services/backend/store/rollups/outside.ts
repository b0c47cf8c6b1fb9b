import type { Span } from "./plan_buckets.ts";

/** What of a span is outside of others, which are in order, and apart from each other. */
export function outside(
  { fromMicros, untilMicros }: Span,
  others: readonly Span[],
): readonly Span[] {
  const parts: Span[] = [];
  let at = fromMicros;
  for (const other of others) {
    if (other.fromMicros >= untilMicros) break;
    if (other.fromMicros > at) parts.push({ fromMicros: at, untilMicros: other.fromMicros });
    at = Math.max(at, other.untilMicros);
  }
  if (at < untilMicros) parts.push({ fromMicros: at, untilMicros });
  return parts;
}
