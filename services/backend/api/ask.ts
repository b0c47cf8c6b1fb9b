import type { Kysely } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { Database } from "../store/database.ts";

/**
 * Runs one query of a call, or a few that belong together, on a session of the
 * database. What can be said of a request without one is said before: no
 * session is taken for it, and it needs no database that answers.
 */
export type Ask = <Result>(query: (db: Kysely<Database>) => Promise<Result>) => Promise<Result>;

/** Who calls. */
export interface Caller {
  /** Whose devices and readings they see. */
  readonly tenantId: TenantId;
  readonly ask: Ask;
}
