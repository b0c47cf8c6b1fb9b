import type { Setting } from "#shared/config/setting.ts";
import { trueOrFalse } from "#shared/config/setting_kinds.ts";

/** A setting without which nothing is dropped unless a filter says what. */
export function dropAll(): Setting<boolean> {
  return trueOrFalse({ doc: "drop everything, when no filter says less", default: false });
}
