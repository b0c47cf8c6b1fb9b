import type { ClientBase, QueryResult } from "pg";
import type { RunStatement } from "./run_statement.ts";

/** A setting by the server's name for it, in the unit that the server counts it in. */
export interface LocalSetting {
  readonly name: string;
  readonly value: number | string;
}

/** SQLSTATE of a statement that runs in no transaction, such as `vacuum`. */
const activeTransaction = "25001";

/**
 * Runs statements behind a pooler, which lends to each transaction whichever
 * session of the server is free, and that session to somebody else afterwards:
 * each transaction brings its settings, and a statement outside of one is made
 * one. Each costs one round trip still, if the client sends what follows before
 * it has the answers. What runs in no transaction goes without settings.
 *
 * No statement is named: the next session does not know it, and PgBouncer sees
 * to that only from 1.21 on, and only with `max_prepared_statements`.
 */
export function localSettings(
  client: ClientBase,
  settings: readonly LocalSetting[],
): RunStatement {
  const set = settings.map(({ name, value }) => `set local ${nameHere(name)} = '${value}'`);
  const asOne = async (text: string) => {
    // In one text, they are a transaction; `begin` and its like turn that into theirs.
    // More than one statement: `pg` gives a list, of which its types know nothing.
    const results = await client.query([...set, text].join("; ")) as unknown as QueryResult[];
    const own = results.slice(set.length);
    return own.length === 1 ? own[0]! : own;
  };
  const between = async (text: string, parameters: readonly unknown[]) => {
    // If one fails, the next ones do, and `commit` rolls back.
    const [begun, answered, ended] = await Promise.allSettled([
      client.query(["begin", ...set].join("; ")),
      client.query(text, [...parameters]),
      client.query("commit"),
    ]);
    if (begun.status === "rejected") throw begun.reason;
    if (answered.status === "rejected") throw answered.reason;
    if (ended.status === "rejected") throw ended.reason;
    return answered.value;
  };

  return async (text, parameters) => {
    if (set.length === 0 || client.getTransactionStatus() !== "I") {
      return await client.query(text, [...parameters]);
    }
    if (parameters.length > 0) return await between(text, parameters);
    try {
      return await asOne(text);
    } catch (error) {
      // It says so before it does anything.
      if ((error as { readonly code?: unknown } | null)?.code !== activeTransaction) throw error;
      return await client.query(text);
    }
  };
}

/** A transaction that has begun is none that a default is for. */
function nameHere(name: string): string {
  return name === "default_transaction_isolation" ? "transaction_isolation" : name;
}
