import { type RawBuilder, sql } from "kysely";
import { instantText } from "../rows/instant_text.ts";
import type { Span } from "./plan_buckets.ts";

/** The bounds of `reading_progress.dropped`, in order, in Unix microseconds. */
export const droppedBounds = sql<readonly number[]>`array(
  select (extract(epoch from bound) * 1000000)::float8
  from unnest(dropped) as span, unnest(array[lower(span), upper(span)]) as bound
  order by bound
)`;

/** What lies between the first of the bounds and the second, and so on. */
export function spansBetween(bounds: readonly number[]): readonly Span[] {
  return Array.from({ length: bounds.length / 2 }, (_, at) => ({
    fromMicros: bounds[2 * at]!,
    untilMicros: bounds[2 * at + 1]!,
  }));
}

/** Spans as the database has them, as a parameter. */
export function multirange(spans: readonly Span[]): RawBuilder<string> {
  const ranges = spans.map(({ fromMicros, untilMicros }) =>
    `[${instantText(fromMicros)},${instantText(untilMicros)})`
  );
  return sql<string>`${`{${ranges.join()}}`}::tstzmultirange`;
}
