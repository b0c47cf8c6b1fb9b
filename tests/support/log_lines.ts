import type { Logger } from "@logtape/logtape";

export interface LogLine {
  readonly level: "debug" | "info" | "warning" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A logger that keeps what it is told. */
export function keptLog(): { readonly log: Logger; readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: LogLine["level"]) => (message: string, fields = {}) =>
    void lines.push({ level, message, fields });
  const log = { debug: at("debug"), info: at("info"), warning: at("warning"), error: at("error") };
  // The methods that our code calls, in the one form in which it calls them.
  return { log: log as unknown as Logger, lines };
}
