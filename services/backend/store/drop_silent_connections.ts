import type { PostgresPool, PostgresPoolClient } from "kysely";
import type { Pool } from "pg";

/** What the driver calls a statement that took longer than `query_timeout`. */
const timeout = "Query read timeout";

/**
 * The pool, except that a connection on which a statement timed out is closed
 * in place of kept. The network may have lost it without a word, and even if
 * not, every further statement on it would wait for that answer first.
 */
export function dropSilentConnections(pool: Pool): PostgresPool {
  return {
    options: pool.options,
    end: () => pool.end(),
    async connect() {
      const client = await pool.connect();
      let silent = false;
      const query = async (text: string, values: readonly unknown[]) => {
        try {
          return await client.query(text, [...values]);
        } catch (error) {
          silent ||= error instanceof Error && error.message === timeout;
          throw error;
        }
      };
      return {
        // Its other form takes a cursor, which only a dialect that is given one uses.
        query: query as unknown as PostgresPoolClient["query"],
        release: () => client.release(silent),
      };
    },
  };
}
