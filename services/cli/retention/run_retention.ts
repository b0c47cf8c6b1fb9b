import type { Kysely } from "kysely";
import { defineAction } from "#shared/command/define_action.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import { trueOrFalse } from "#shared/config/setting_kinds.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { mayArchive } from "../../backend/archive/may_archive.ts";
import { checkRetention } from "../../backend/check_retention.ts";
import {
  type BackendConfig,
  databaseSettings,
  historySettings,
  retentionSettings,
} from "../../backend/config.ts";
import { planRetention } from "../../backend/retention/plan_retention.ts";
import { Retainer } from "../../backend/retention/retainer.ts";
import type { RetentionEvent } from "../../backend/retention/retention_event.ts";
import { earlierClock } from "../../backend/store/connection/earlier_clock.ts";
import type { Database } from "../../backend/store/database.ts";
import { retentionPolicy } from "../../backend/store/retention/retention_policy.ts";
import { onMigrated } from "../database/on_migrated.ts";
import { formatBytes } from "../output/bytes.ts";
import { type Print, printLine } from "../output/print.ts";
import { nextInWords, totalInWords } from "./plan_in_words.ts";

export interface RunOptions extends Pick<RunContext, "log" | "signal"> {
  /** Whether somebody said that what is due may go. */
  readonly yes: boolean;
  /** The time that it goes by, in Unix milliseconds. */
  readonly nowMs: () => Promise<number>;
}

/**
 * Drops what is due, as the backend's job does by itself; both may be at it.
 *
 * @throws {ExitError} that says what is due, unless it was said that it may go.
 */
export async function runRetention(
  db: Kysely<Database>,
  config: Pick<BackendConfig, "history" | "retention">,
  { yes, nowMs, log, signal }: RunOptions,
  print: Print,
): Promise<void> {
  const policy = retentionPolicy(config.history, config.retention);
  const { archive } = config.retention;
  const startedMs = await nowMs();
  const { drops, next } = await planRetention(db, policy, startedMs);
  if (drops.length > 0 && !yes) {
    throw new ExitError(
      `Cannot drop unasked what is due: ${totalInWords(drops)}; retention plan names it, ` +
        "say --yes if it may go",
    );
  }
  const retainer = new Retainer({ db, policy, archive, nowMs, log });
  for (let event; (event = await retainer.step(signal)) !== undefined;) {
    await print(inWords(event));
    signal.throwIfAborted();
  }
  const { drops: left } = await planRetention(db, policy, startedMs);
  if (left.length > 0) await print(`Left for now, until rollups tell it: ${totalInWords(left)}.`);
  else if (drops.length === 0) await print("Nothing is due.");
  await print(nextInWords(next, startedMs));
}

function inWords(event: RetentionEvent): string {
  switch (event.did) {
    case "pack again":
      return `Days that are packed again: ${event.days.join(", ")}.`;
    case "close":
      return `Closed ${event.name}.`;
    case "archive": {
      const { day, file: { path, readings, bytes, isNew } } = event;
      const what = `${readings} readings of ${day}`;
      return isNew
        ? `Archived ${what} as ${path}, ${formatBytes(bytes)}.`
        : `Found ${what} archived as ${path}.`;
    }
    case "drop": {
      const { count, part: { kind, partition, bytes } } = event;
      const of = kind === "rows" || kind === "history" ? "readings" : "buckets";
      return `Dropped ${partition.name}: ${count} ${of}, ${formatBytes(bytes)}.`;
    }
    case "delete":
      return `Deleted ${event.count} late readings of ${event.day}.`;
  }
}

export const runRetentionAction = defineAction({
  name: "run",
  summary: "Drops now what is due, archived first where that is wanted.",
  sections: {
    log: logSettings,
    backend: { db: databaseSettings, history: historySettings, retention: retentionSettings },
    retention: {
      yes: trueOrFalse({ doc: "drop whatever retention plan names", default: false }),
    },
  },
  async run({ backend, retention: { yes } }, context) {
    checkRetention("retention run", backend);
    const { archive } = backend.retention;
    if (archive !== undefined) await mayArchive(archive);
    const { log, signal } = context;
    await onMigrated(backend.db, context, (db) => {
      const options = { yes, nowMs: () => earlierClock(db), log, signal };
      return runRetention(db, backend, options, printLine);
    });
  },
});
