import { type Expression, expressionBuilder, sql, type SqlBool } from "kysely";
import type { ReadingPosition } from "../../readings/reading_row.ts";
import type { Database } from "../database.ts";
import { instant } from "../rows/instant.ts";

/** The instants that are looked at, in Unix microseconds. */
export interface Span {
  readonly fromMicros: number;
  /** The first that is not looked at any more. */
  readonly untilMicros: number;
}

/** A span that may be open at either end. */
export type OpenSpan = Partial<Span>;

const eb = expressionBuilder<Database, "sensor_readings" | "parked_readings">();

/** A condition on readings, stored or parked: those within the span. */
export function within({ fromMicros, untilMicros }: OpenSpan): Expression<SqlBool> {
  const bounds = [];
  if (fromMicros !== undefined) bounds.push(eb("timestamp", ">=", timestamp(fromMicros)));
  if (untilMicros !== undefined) bounds.push(eb("timestamp", "<", timestamp(untilMicros)));
  return eb.and(bounds);
}

/** A condition on a device's readings: those after the position, or from it on. */
export function past(operator: ">" | ">=", position: ReadingPosition): Expression<SqlBool> {
  return eb(
    eb.refTuple("timestamp", "tie_break"),
    operator,
    eb.tuple(timestamp(position.micros), sql<string>`${String(position.tieBreak)}::bigint`),
  );
}

function timestamp(micros: number): Expression<Date> {
  return sql<Date>`${instant(micros)}`;
}
