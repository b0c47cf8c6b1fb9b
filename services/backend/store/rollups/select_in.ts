import { type RawBuilder, sql } from "kysely";
import { timestamptzArray } from "../connection/binary_array.ts";
import { dayOf } from "../partitions/days.ts";
import { instant } from "../readings/instant.ts";
import type { Span } from "./plan_buckets.ts";

/** Rows `r` of a table. */
export interface Source {
  readonly table: string;
  readonly columns: RawBuilder<unknown>;
  /** When a row is, or begins. */
  readonly at: string;
  /** When one ends that lasts, which is on the day that it begins on. */
  readonly lastAt?: string;
}

/**
 * Queries of a device's rows in the spans, which are in order: one of the first
 * span, one of the last, and one of all between them. Most often there are two, a
 * long time apart, and what lies between these is not even to be planned for.
 */
export function selectIn(
  { table, columns, at, lastAt }: Source,
  spans: readonly Span[],
  device: RawBuilder<unknown>,
): readonly RawBuilder<unknown>[] {
  if (spans.length === 0) return [];
  const select = (fromMicros: number, untilMicros: number, and = sql``) =>
    sql`
    select ${columns} from ${sql.table(table)} as r
    where ${device} and r.${sql.id(at)} < ${instant(untilMicros)} and r.${sql.id(at)} >= ${
      instant(lastAt === undefined ? fromMicros : dayOf(fromMicros))
    } and r.${sql.id(lastAt ?? at)} >= ${instant(fromMicros)} ${and}`;
  const ends = [spans[0]!, ...spans.slice(1).slice(-1)];
  const queries = ends.map(({ fromMicros, untilMicros }) => select(fromMicros, untilMicros));
  const between = spans.slice(1, -1);
  if (between.length === 0) return queries;
  const within = sql`and r.${sql.id(at)} < span.until and r.${sql.id(lastAt ?? at)} >= span."from"`;
  const all = select(between[0]!.fromMicros, between.at(-1)!.untilMicros, within);
  // Span by span, and not all rows of the time that they lie in.
  queries.push(sql`
    select r.* from unnest(
      ${timestamptzArray(between.map(({ fromMicros }) => fromMicros))}::timestamptz[],
      ${timestamptzArray(between.map(({ untilMicros }) => untilMicros))}::timestamptz[]
    ) as span("from", until) cross join lateral (${all} offset 0) as r`);
  return queries;
}
