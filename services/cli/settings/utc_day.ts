import type { Setting } from "#shared/config/setting.ts";

/** A day in UTC, such as `2026-01-31`, which may be left out. */
export function utcDay(doc: string): Setting<string | undefined> {
  return {
    doc,
    placeholder: "day",
    default: undefined,
    secret: false,
    boolean: false,
    suffix: "",
    parse(text) {
      const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : NaN;
      // What is past the end of its month is read as a day of the next one.
      if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text) {
        throw new Error("expected a day such as 2026-01-31");
      }
      return text;
    },
  };
}
