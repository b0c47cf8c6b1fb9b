import type { ConfigOf } from "./setting.ts";
import { oneOf } from "./setting_kinds.ts";

/** The section `log`, which every command has. */
export const logSettings = {
  level: oneOf(["debug", "info", "warning", "error"], {
    doc: "least severe level that is logged",
    default: "info",
  }),
  format: oneOf(["auto", "json", "pretty"], {
    doc: "auto is pretty on a terminal and json elsewhere",
    default: "auto",
  }),
};

export type LogConfig = ConfigOf<typeof logSettings>;
