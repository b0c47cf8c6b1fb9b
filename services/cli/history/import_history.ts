import type { Kysely } from "kysely";
import { defineAction } from "#shared/command/define_action.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { checkRetention } from "../../backend/check_retention.ts";
import {
  databaseSettings,
  historySettings,
  keptSettings,
  type RetentionConfig,
} from "../../backend/config.ts";
import { earlierClock } from "../../backend/store/connection/earlier_clock.ts";
import type { Database } from "../../backend/store/database.ts";
import { LaggingDevices } from "../../backend/store/devices/lagging_devices.ts";
import { refreshDevices } from "../../backend/store/devices/refresh_devices.ts";
import { WriterMark } from "../../backend/store/devices/writer_mark.ts";
import { readingsPolicy } from "../../backend/store/retention/retention_policy.ts";
import { onMigrated } from "../database/on_migrated.ts";
import { type Print, printLine } from "../output/print.ts";
import { type Imported, importFile, type ImportOptions } from "./import_file.ts";

/** Devices whose rows are brought up to date together. */
const pageDevices = 1_000;

/**
 * Reads archived days back in: what is there already is passed over, in whatever
 * form, so that it may be done again, as after an interruption. Readings of devices
 * that are not registered are parked, as any such.
 *
 * @throws {ExitError} as `importFile` does, or if there is no file to import.
 */
export async function importHistory(
  db: Kysely<Database>,
  config: RetentionConfig,
  { files, nowMs, signal }: Pick<RunContext, "signal"> & {
    readonly files: readonly string[];
    readonly nowMs: number;
  },
  print: Print,
): Promise<void> {
  if (files.length === 0) throw new ExitError("Cannot import: say which files");
  // Tells the backends of what the devices' rows do not, also where this is ended.
  const lagging = new LaggingDevices(new WriterMark(db));
  const options: ImportOptions = {
    db,
    lagging,
    policy: readingsPolicy(config.history, config.retention),
    nowMs,
    known: new Map(),
    signal,
  };
  try {
    for (const path of files) {
      const imported: Imported = { stored: 0, parked: 0, readings: 0 };
      try {
        await importFile(path, imported, options);
      } catch (error) {
        await print(`${inWords(path, imported)}, then it stopped`);
        throw error;
      }
      await print(inWords(path, imported));
    }
  } finally {
    for (let part; (part = lagging.next(pageDevices)) !== undefined;) {
      await lagging.refresh(part, (tenantId, seen) => refreshDevices(db, tenantId, seen));
    }
    // What cannot be said now, backends find out for themselves.
    await lagging.keepMark({ atEnd: true }).catch(() => {});
  }
}

function inWords(path: string, { stored, parked, readings }: Imported): string {
  const unregistered = parked === 0 ? "" : `, ${parked} parked until their devices are registered`;
  return `${path}  ${stored} readings stored${unregistered}, ${
    readings - stored - parked
  } were there`;
}

export const importHistoryAction = defineAction({
  name: "import",
  summary: "Reads files back in that retention has archived, as readings that come late.",
  sections: {
    log: logSettings,
    backend: {
      db: databaseSettings,
      history: historySettings,
      retention: { raw: keptSettings.raw, history: keptSettings.history },
    },
  },
  operands: { name: "file", doc: "Parquet files, of a day each" },
  run({ backend }, context, files) {
    checkRetention("history import", backend);
    return onMigrated(backend.db, context, async (db) => {
      const { signal } = context;
      const nowMs = await earlierClock(db);
      await importHistory(db, backend, { files, nowMs, signal }, printLine);
    });
  },
});
