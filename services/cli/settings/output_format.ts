import type { Setting } from "#shared/config/setting.ts";
import { oneOf } from "#shared/config/setting_kinds.ts";

/** A setting for how findings are printed. */
export function outputFormat(): Setting<"table" | "json"> {
  return oneOf(["table", "json"], { doc: "for people, or a JSON object a line", default: "table" });
}
