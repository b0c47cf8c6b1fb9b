import { sql } from "kysely";

/**
 * Selected, they have the rest of a transaction go by index. The planner would
 * rather read the whole table: it knows nothing of one that nobody has analyzed
 * since it grew or shrank, which this one does all the time.
 */
export const byIndex = [
  "enable_seqscan",
  "enable_bitmapscan",
  "enable_hashjoin",
  "enable_mergejoin",
].map((name) => sql<string>`set_config(${sql.lit(name)}, 'off', true)`.as(name));
