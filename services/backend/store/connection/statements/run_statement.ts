import type { QueryResult } from "pg";

/** Runs a statement on one session, and gives what `pg` does: of several in one text, a list. */
export type RunStatement = (
  text: string,
  parameters: readonly unknown[],
) => Promise<QueryResult | readonly QueryResult[]>;
