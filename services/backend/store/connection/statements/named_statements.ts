import type { ClientBase } from "pg";
import type { RunStatement } from "./run_statement.ts";
import type { StatementNames } from "./statement_names.ts";

/**
 * Runs statements on a session of the server's own, which parses those with
 * parameters once, under their names. Whether it plans them once as well is left
 * to it: for pages (`limit $1`) it goes on to plan by the values. Under
 * `plan_cache_mode = force_custom_plan` it would also plan the check of the
 * foreign key for each row of a batch, which doubles what a write costs.
 */
export function namedStatements(client: ClientBase, names: StatementNames): RunStatement {
  const run: RunStatement = async (text, parameters) => {
    const values = [...parameters];
    const name = values.length > 0 ? names.of(text) : undefined;
    if (name === undefined) return await client.query(text, values);
    const alone = client.getTransactionStatus() === "I";
    try {
      return await client.query({ name, text, values });
    } catch (error) {
      if (!isOutdated(error)) throw error;
      names.renew(text, name);
      // It has not begun; a transaction around it has failed all the same, and is its owner's to retry.
      if (!alone) throw error;
      return await run(text, parameters);
    }
  };
  return run;
}

/**
 * Whether it is "cached plan must not change result type": a migration has
 * changed a column since. Its SQLSTATE, 0A000, is that of much else as well.
 */
function isOutdated(error: unknown): boolean {
  return (error as { readonly routine?: unknown } | null)?.routine === "RevalidateCachedQuery";
}
