import { defineActions } from "#shared/command/define_actions.ts";
import { backendSettings } from "../../backend/config.ts";
import { planRetentionAction } from "./plan_retention.ts";
import { runRetentionAction } from "./run_retention.ts";

export const retentionCommand = defineActions({
  name: "retention",
  task: true,
  summary: "Drops what was kept for long enough.",
  actions: [planRetentionAction, runRetentionAction],
  unused: backendSettings,
});
