import type { Logger } from "@logtape/logtape";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { orAborted } from "#shared/lifecycle/or_aborted.ts";
import { retry } from "#shared/lifecycle/retry.ts";
import type { DatabaseConfig } from "../../config.ts";
import { isTransient, sqlState } from "./write_failure.ts";

/** What a person must mend, by SQLSTATE. */
const permanent: Readonly<Record<string, (database: string, config: DatabaseConfig) => string>> = {
  "28P01": (_, { url }) =>
    `the password is wrong; mend ${url ? "backend.db.url" : "backend.db.password"}`,
  "28000": (_, { url }) =>
    `the server refuses the role; see ${
      url ? "backend.db.url" : "backend.db.user"
    } and the server's ` +
    "pg_hba.conf",
  "3D000": (database) => `there is no such database; create it: createdb ${database}`,
  "42501": () =>
    "the role may not do that; connect as the owner of the database's tables, or make it their owner",
};

/**
 * Does `work`, again and again while the database is away or takes no writes,
 * however long that takes.
 *
 * @throws {ExitError} when it answers that no retry can help.
 * @throws the signal's reason when it is aborted before; what is under way is undone
 *   when its session ends, but for an index that is built concurrently, which goes on.
 */
export async function waitForDatabase(
  work: () => Promise<unknown>,
  config: DatabaseConfig,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const name = config.url?.pathname.slice(1) || config.database;
  const where = config.url?.host || `${config.host}:${config.port}`;
  const mend = (error: unknown) => permanent[sqlState(error) ?? ""]?.(name, config);
  const passes = (error: unknown) =>
    !(error instanceof ExitError) && mend(error) === undefined && isTransient(error);
  try {
    await retry(() => orAborted(work(), signal), {
      signal,
      again: (error) => !signal.aborted && passes(error),
      onFailure: ({ error, retryMs }) =>
        log.warning("Cannot use the database yet", { where, error: detailOf(error), retryMs }),
    });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ExitError) throw error;
    const message = `Cannot use database ${name} at ${where}: ${detailOf(error)}`;
    const how = mend(error);
    throw new ExitError(how === undefined ? message : `${message}: ${how}`, { cause: error });
  }
}

function detailOf(error: unknown): string {
  return error instanceof Error ? error.message || String(error) : String(error);
}
