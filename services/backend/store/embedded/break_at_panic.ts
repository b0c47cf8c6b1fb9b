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
 * go on safely, say when its log can't be written. PGlite takes that for an
 * error like any other and calls the ended program for ever: it can be left
 * only where it mends the stack, before the next call.
 *
 * @param lastWords What the server wrote to its log before.
 */
export function breakAtPanic(program: Program, lastWords: () => string | undefined): void {
  const turn = program._PostgresMainLoopOnce;
  program._PostgresMainLoopOnce = () => {
    try {
      turn();
    } catch (error) {
      if (hasEnded(error)) {
        const reason = lastWords() ?? String(error);
        program.stackRestore = () => {
          throw new BrokenDatabaseError(reason, { cause: error });
        };
        program._PostgresSendReadyForQueryIfNecessary = () => {};
        program._pgl_pq_flush = () => {};
      }
      throw error;
    }
  };
}

function hasEnded(error: unknown): boolean {
  if (error instanceof WebAssembly.RuntimeError) return true;
  const { name, status } = error as { readonly name?: unknown; readonly status?: unknown };
  return name === "ExitStatus" && status !== backToLoop;
}
