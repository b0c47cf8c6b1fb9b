import { defineActions } from "#shared/command/define_actions.ts";
import { backendSettings } from "../../backend/config.ts";
import { dropParkedReadingsAction } from "./drop_parked_readings.ts";
import { listParkedReadingsAction } from "./list_parked_readings.ts";
import { releaseParkedReadingsAction } from "./release_parked_readings.ts";

export const parkedCommand = defineActions({
  name: "parked",
  task: true,
  summary: "Works on the readings whose device is not yet known.",
  actions: [listParkedReadingsAction, releaseParkedReadingsAction, dropParkedReadingsAction],
  unused: backendSettings,
});
