import type { Setting } from "#shared/config/setting.ts";
import { wholeNumber } from "#shared/config/setting_kinds.ts";

/**
 * A setting for how much an action works on, at most; Infinity for all, which is the default.
 *
 * @param what such as `letters to list`
 */
export function limit(what: string): Setting<number> {
  const doc = `${what}, at most; 0 is all`;
  const number = wholeNumber({ doc, default: 0, min: 0, max: 1_000_000_000 });
  return {
    ...number,
    parse(text) {
      const most = number.parse(text);
      return most === 0 ? Infinity : most;
    },
  };
}
