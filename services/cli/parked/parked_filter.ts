import { optional, text } from "#shared/config/setting_kinds.ts";
import { age } from "../output/age.ts";

/** The settings that say which of the parked readings are meant. */
export const parkedFilterSettings = {
  device_id: optional(text({ doc: "only this device's", default: "", placeholder: "id" })),
  older_than: age("only readings that have been parked for longer"),
};
