import process from "node:process";
import {
  configureSync,
  getAnsiColorFormatter,
  getConsoleSink,
  jsonLinesFormatter,
} from "@logtape/logtape";
import type { LogConfig } from "#shared/config/log_settings.ts";

/** Sends every logger's records to standard output: a JSON object a line, or text for people. */
export function startLogging({ level, format }: LogConfig): void {
  const pretty = format === "pretty" || (format === "auto" && process.stdout.isTTY);
  const sink = getConsoleSink({
    formatter: pretty ? prettyFormatter : jsonLinesFormatter,
    levelMap: toStandardOutput,
  });
  configureSync({
    sinks: { stdout: sink },
    loggers: [
      { category: [], sinks: ["stdout"], lowestLevel: level },
      { category: ["logtape", "meta"], sinks: ["stdout"], lowestLevel: "warning" },
    ],
    reset: true,
  });
}

const oneLine: Deno.InspectOptions = { compact: true, breakLength: Infinity };

/** `12:00:01.234 INF backend  Message key=value key=value` */
const prettyFormatter = getAnsiColorFormatter({
  timestamp: "time",
  level: "ABBR",
  format: ({ timestamp, level, category, message, record }) => {
    const fields = Object.entries(record.properties).map(([key, value]) =>
      `${key}=${value instanceof Error ? value.message : Deno.inspect(value, oneLine)}`
    );
    return [timestamp, level, category.padEnd(9), message, ...fields].join(" ");
  },
});

/** `console.warn` and `console.error` would go to standard error. */
const toStandardOutput = {
  trace: "log",
  debug: "log",
  info: "log",
  warning: "log",
  error: "log",
  fatal: "log",
} as const;
