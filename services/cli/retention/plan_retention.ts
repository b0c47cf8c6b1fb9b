import type { Kysely } from "kysely";
import { defineAction } from "#shared/command/define_action.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import { checkRetention } from "../../backend/check_retention.ts";
import {
  type BackendConfig,
  databaseSettings,
  historySettings,
  retentionSettings,
} from "../../backend/config.ts";
import { planRetention } from "../../backend/retention/plan_retention.ts";
import { earlierClock } from "../../backend/store/connection/earlier_clock.ts";
import type { Database } from "../../backend/store/database.ts";
import { retentionPolicy } from "../../backend/store/retention/retention_policy.ts";
import { onMigrated } from "../database/on_migrated.ts";
import { type Print, printLine } from "../output/print.ts";
import { outputFormat } from "../settings/output_format.ts";
import { planJson } from "./plan_json.ts";
import { nextInWords, planLines } from "./plan_in_words.ts";

/** Prints what would go now, and what goes next. */
export async function printPlan(
  db: Kysely<Database>,
  config: Pick<BackendConfig, "history" | "retention">,
  { format, nowMs }: { readonly format: "table" | "json"; readonly nowMs: number },
  print: Print,
): Promise<void> {
  const plan = await planRetention(db, retentionPolicy(config.history, config.retention), nowMs);
  const { archive } = config.retention;
  const lines = format === "json"
    ? planJson(plan, archive)
    : [...planLines(plan, archive), nextInWords(plan.next, nowMs)];
  for (const line of lines) await print(line);
}

export const planRetentionAction = defineAction({
  name: "plan",
  summary: "Changes nothing, and says what would be dropped now, and what next.",
  sections: {
    log: logSettings,
    backend: { db: databaseSettings, history: historySettings, retention: retentionSettings },
    retention: { format: outputFormat() },
  },
  run({ backend, retention: { format } }, context) {
    checkRetention("retention plan", backend);
    return onMigrated(
      backend.db,
      context,
      async (db) => printPlan(db, backend, { format, nowMs: await earlierClock(db) }, printLine),
    );
  },
});
