import { sql } from "kysely";

/**
 * Where the days that are open begin, as part of a statement. One that writes to
 * `sensor_readings` sees every closing that its lock on the table has waited for:
 * it has the lock before it has its snapshot.
 */
export const openFrom = sql<Date>`(select open_from from reading_progress)`;

/** The same in Unix microseconds; -Infinity where none is closed. */
export const openFromMicros = sql<number | null>`
  (select (extract(epoch from open_from) * 1000000)::float8 from reading_progress)`;
