import { sql } from "kysely";

/**
 * Selected, they have the rest of a transaction go by index. The planner would
 * rather read the whole table: it knows nothing of one that nobody has analyzed
 * since it grew or shrank, which this one does all the time. And it thinks that
 * what may take long is worth compiling, which then takes longest.
 */
export const byIndex = [
  "enable_seqscan",
  "enable_bitmapscan",
  "enable_hashjoin",
  "enable_mergejoin",
  "jit",
].map((name) => sql<string>`set_config(${sql.lit(name)}, 'off', true)`.as(name));
