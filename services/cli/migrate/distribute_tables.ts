import type { Kysely } from "kysely";
import { defineAction } from "#shared/command/define_action.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import { wholeNumber } from "#shared/config/setting_kinds.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { orAborted } from "#shared/lifecycle/or_aborted.ts";
import { retry } from "#shared/lifecycle/retry.ts";
import { databaseSettings } from "../../backend/config.ts";
import { sqlState } from "../../backend/store/connection/write_failure.ts";
import type { Database } from "../../backend/store/database.ts";
import { type DistributedTable, distributeTables } from "../../backend/store/schema/distribute.ts";
import { onDatabase } from "../database/on_database.ts";
import { printLine } from "../output/print.ts";

/** By SQLSTATE: others use the tables, and did not end in time, or waited for this in their turn. */
const inUse = ["55P03", "40P01"];

/** @throws {ExitError} that says why not, and what to do; then nothing has changed. */
async function distributeAndPrint(
  db: Kysely<Database>,
  shards: number,
  { log, signal }: Pick<RunContext, "log" | "signal">,
): Promise<void> {
  await printLine("Distributing what is not yet; whoever uses the tables waits until it is copied");
  let tables: readonly DistributedTable[];
  try {
    tables = await retry(() => orAborted(distributeTables(db, shards), signal), {
      signal,
      again: (error) => inUse.includes(sqlState(error) ?? ""),
      onFailure: ({ retryMs }) => log.warning("Others use the tables", { retryMs }),
    });
  } catch (error) {
    if (signal.aborted || sqlState(error) === undefined) throw error;
    throw new ExitError(`Cannot distribute the tables, which are as they were: ${inWords(error)}`, {
      cause: error,
    });
  }
  for (const { table, shards, before } of tables) {
    const lies = shards === undefined ? "whole on every node" : `${shards} shards, by device_id`;
    await printLine(`${table.padEnd(16)}  ${before ? "as it was: " : ""}${lies}`);
  }
}

function inWords(error: unknown): string {
  // What has an SQLSTATE is the server's, which may add to its message.
  const { message, detail, hint } = error as Error & { detail?: string; hint?: string };
  return [message, detail, hint].filter((text) => text !== undefined).join(". ");
}

export const distributeTablesAction = defineAction({
  name: "distribute",
  summary:
    "On a Citus coordinator: spreads the tables over its workers, by device. Whoever reads " +
    "or writes them waits until all rows are copied, and goes on; nothing is lost. Does what is " +
    "not done yet.",
  sections: {
    log: logSettings,
    backend: { db: databaseSettings },
    migrate: {
      shards: wholeNumber({
        doc: "parts of each table, no more than the workers will ever have cores in all: " +
          "a batch costs as much as it has shards to go to, whatever its rows",
        default: 32,
        min: 1,
        max: 1_024,
      }),
    },
  },
  run: ({ backend, migrate }, context) =>
    onDatabase(backend.db, context, (db) => distributeAndPrint(db, migrate.shards, context)),
});
