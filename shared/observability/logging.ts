import process from "node:process";
import { configureSync, getAnsiColorFormatter, jsonLinesFormatter } from "@logtape/logtape";
import type { LogConfig } from "#shared/config/log_settings.ts";
import { writeOutput } from "#shared/output/standard_output.ts";
import { aboveStatusLine } from "#shared/output/status_line.ts";

/**
 * Sends every logger's records to `write`, standard output unless given: a JSON
 * object a line, or text for people.
 */
export function startLogging(
  { level, format }: LogConfig,
  write: (line: string) => void = (line) => aboveStatusLine(() => writeOutput(line)),
): void {
  const pretty = format === "pretty" || (format === "auto" && process.stdout.isTTY);
  const toLine = pretty ? prettyFormatter : jsonLinesFormatter;
  configureSync({
    sinks: { stdout: (record) => write(toLine(record)) },
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
