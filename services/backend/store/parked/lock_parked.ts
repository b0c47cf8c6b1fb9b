import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";

/**
 * What would read the whole table. The planner may think that of a table that
 * nobody has analyzed since it grew or shrank, as this one does all the time:
 * for a thousand keys as for a thousand devices.
 */
const settings = [
  "enable_seqscan",
  "enable_bitmapscan",
  "enable_hashjoin",
  "enable_mergejoin",
  "jit",
];

/**
 * Taken by whoever changes or deletes rows of `parked_readings`, before the
 * first of them, so that no two ever wait for each other's rows in a circle; and
 * has the rest of the transaction go by index. Those who only park don't take
 * it: they change no row.
 */
export async function lockParked(transaction: Kysely<Database>): Promise<void> {
  await transaction.selectNoFrom([
    sql<null>`pg_advisory_xact_lock(hashtextextended('iot-backend parked', 0))`.as("locked"),
    ...settings.map((name) => sql<string>`set_config(${sql.lit(name)}, 'off', true)`.as(name)),
  ]).execute();
}
