import type { Kysely } from "kysely";
import { defineAction } from "#shared/command/define_action.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import { trueOrFalse } from "#shared/config/setting_kinds.ts";
import { sleep } from "#shared/lifecycle/sleep.ts";
import { databaseSettings, historySettings } from "../../backend/config.ts";
import { Compactor } from "../../backend/jobs/compact_history.ts";
import type { Database } from "../../backend/store/database.ts";
import { packAgain } from "../../backend/store/history/list_days.ts";
import { onTables } from "../database/on_tables.ts";
import { type Print, printLine } from "../output/print.ts";

/** Until it is asked again whether a backend that is at it has ended its step, in milliseconds. */
const elsewhereMs = 200;

/** Packs all that is old enough; a backend may be doing the same, and both take turns. */
export async function compactHistory(
  db: Kysely<Database>,
  { afterMs, expanded }: { readonly afterMs: number; readonly expanded: boolean },
  { log, signal }: Pick<RunContext, "log" | "signal">,
  print: Print,
): Promise<void> {
  const counts = { compacted: 0, late: 0 };
  const onPacked = (readings: number, what: keyof typeof counts) => void (counts[what] += readings);
  const packing = { db, afterMs, nowMs: () => Date.now(), onPacked, log, lateAtOnce: true };
  const compactor = new Compactor(packing);
  try {
    if (expanded) await packAgain(db);
    for (;;) {
      signal.throwIfAborted();
      const outcome = await compactor.step(signal);
      if (outcome === "done") break;
      if (outcome === "elsewhere") await sleep(elsewhereMs, signal);
    }
  } finally {
    await print(
      `Packed ${counts.compacted} readings of closed days, and ${counts.late} late ones.`,
    );
  }
}

export const compactHistoryAction = defineAction({
  name: "compact",
  summary: "Packs the days that are over for long enough, and what came late of those before, now.",
  sections: {
    log: logSettings,
    backend: { db: databaseSettings, history: { after: historySettings.after } },
    history: {
      expanded: trueOrFalse({ doc: "days that were expanded, too", default: false }),
    },
  },
  run: ({ backend, history: { expanded } }, context) =>
    onTables("read history", backend.db, context, (db) => {
      const { afterMs } = backend.history;
      return compactHistory(db, { afterMs, expanded }, context, printLine);
    }),
});
