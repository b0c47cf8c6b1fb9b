import { defineActions } from "#shared/command/define_actions.ts";
import { backendSettings } from "../../backend/config.ts";
import { rebuildRollupsAction } from "./rebuild_rollups.ts";

export const rollupsCommand = defineActions({
  name: "rollups",
  task: true,
  summary: "Works on what readings come to by minute, hour and day.",
  actions: [rebuildRollupsAction],
  unused: backendSettings,
});
