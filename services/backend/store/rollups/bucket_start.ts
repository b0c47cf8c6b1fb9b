import { type RawBuilder, sql } from "kysely";

/** A Monday, so that buckets of a week begin on one. */
const originMicros = Date.UTC(1970, 0, 5) * 1_000;
const origin = sql`timestamptz '1970-01-05 00:00+00'`;

/** Where the bucket begins that an instant is of, in Unix microseconds. */
export function bucketStart(micros: number, bucketMicros: number): number {
  return Math.floor((micros - originMicros) / bucketMicros) * bucketMicros + originMicros;
}

/** The same as an expression of a statement, of an instant that is a column. */
export function bucketStartOf(column: string, bucketMicros: number): RawBuilder<Date> {
  return sql<Date>`date_bin(
    ${bucketMicros}::float8 * interval '1 microsecond', ${sql.ref(column)}, ${origin}
  )`;
}
