import { defineActions } from "#shared/command/define_actions.ts";
import { backendSettings } from "../../backend/config.ts";
import { compactHistoryAction } from "./compact_history.ts";
import { expandHistoryAction } from "./expand_history.ts";
import { importHistoryAction } from "./import_history.ts";
import { listHistoryAction } from "./list_history.ts";

export const historyCommand = defineActions({
  name: "history",
  task: true,
  summary: "Works on the readings of days that are over, which are packed.",
  actions: [listHistoryAction, compactHistoryAction, expandHistoryAction, importHistoryAction],
  unused: backendSettings,
});
