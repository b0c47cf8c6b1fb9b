import { findBinary, isFile, pathFolders } from "./find_binary.ts";
import { ServiceError } from "./service.ts";

/** Where packages put it, which `PATH` may leave out for all but root. */
const usualFolders = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"];

/**
 * PgBouncer, a pooler of PostgreSQL's sessions: the one that `TEST_PGBOUNCER`
 * names, or else the first on `PATH` or in the usual places; undefined if there
 * is none.
 *
 * @throws {ServiceError} if the variable names no file.
 */
export async function findPgbouncer(named: string | undefined): Promise<string | undefined> {
  if (named && !await isFile(named)) {
    throw new ServiceError(`TEST_PGBOUNCER names ${named}, which is no file`);
  }
  return named || await findBinary("pgbouncer", [...pathFolders(), ...usualFolders]);
}
