import type { PGlite } from "@electric-sql/pglite";

/** What the server's program throws where PostgreSQL goes back to its loop after an error. */
const backToLoop = 100;

type Program = Pick<
  PGlite["Module"],
  | "_PostgresMainLoopOnce"
  | "_PostgresSendReadyForQueryIfNecessary"
  | "_pgl_pq_flush"
  | "stackRestore"
>;

/** The server has ended, and the next start has to recover what it wrote. */
export class BrokenDatabaseError extends Error {
  override readonly name = "BrokenDatabaseError";
}

/**
 * Has a query fail when the server ends itself, which it does where it can't
 * go on safely, say when its log can't be written, or is left in the middle of
 * its work by an error of what is below it. PGlite takes that for an error like
 * any other and calls the program again, for ever: it can be left only where it
 * mends the stack, before the next call.
 *
 * @param lastWords What the server wrote to its log before.
 */
export function breakAtPanic(program: Program, lastWords: () => string | undefined): void {
  const turn = program._PostgresMainLoopOnce;
  program._PostgresMainLoopOnce = () => {
    try {
      turn();
    } catch (error) {
      if ((error as { readonly status?: unknown } | null)?.status !== backToLoop) {
        const reason = lastWords() ?? (error instanceof Error ? error.message : String(error));
        program.stackRestore = () => {
          throw new BrokenDatabaseError(reason, { cause: error });
        };
        // PGlite ends each query with one more message, broken or not: in the middle of a commit,
        // say, the program would never come back from it.
        program._PostgresMainLoopOnce = () => {
          throw error;
        };
        program._PostgresSendReadyForQueryIfNecessary = () => {};
        program._pgl_pq_flush = () => {};
      }
      throw error;
    }
  };
}
