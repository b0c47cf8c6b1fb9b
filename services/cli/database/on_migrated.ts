import type { Kysely } from "kysely";
import type { RunContext } from "#shared/command/run_context.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import type { DatabaseConfig } from "../../backend/config.ts";
import type { Database } from "../../backend/store/database.ts";
import { readSchemaVersion, refuseBrokenBy } from "../../backend/store/schema/schema_version.ts";
import { onDatabase } from "./on_database.ts";

/**
 * As `onDatabase`, for what needs all tables of this release.
 *
 * @throws {ExitError} if some are missing.
 */
export async function onMigrated(
  config: DatabaseConfig,
  context: Pick<RunContext, "log" | "signal">,
  act: (db: Kysely<Database>) => Promise<void>,
): Promise<void> {
  await onDatabase(config, context, async (db) => {
    const schema = await readSchemaVersion(db);
    refuseBrokenBy(schema);
    if (schema.missing.length > 0) {
      throw new ExitError(
        "Cannot use the database: migrations are missing; say demo-app migrate up first",
      );
    }
    await act(db);
  });
}
