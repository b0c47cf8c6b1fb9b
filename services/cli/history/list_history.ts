import type { Kysely } from "kysely";
import { defineAction } from "#shared/command/define_action.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import { databaseSettings } from "../../backend/config.ts";
import type { Database } from "../../backend/store/database.ts";
import { listDays, type ListedDay } from "../../backend/store/history/list_days.ts";
import { onTables } from "../database/on_tables.ts";
import { formatBytes } from "../output/bytes.ts";
import { type Print, printLine } from "../output/print.ts";
import { limit } from "../settings/limit.ts";

const pageDays = 1_000;

/** Prints a row for each of the newest days that were packed, up to `limit`, and the totals of all. */
export async function listHistory(
  db: Kysely<Database>,
  { limit, signal }: { readonly limit: number; readonly signal: AbortSignal },
  print: Print,
): Promise<void> {
  const newest: ListedDay[] = [];
  const totals = { days: 0, readings: 0, rowBytes: 0, packedBytes: 0 };
  for (let after: string | undefined = "-infinity"; after !== undefined;) {
    signal.throwIfAborted();
    const page: readonly ListedDay[] = await listDays(db, { after, limit: pageDays });
    for (const day of page) {
      totals.days++;
      totals.readings += day.readings;
      totals.rowBytes += day.rowBytes;
      totals.packedBytes += day.packedBytes;
    }
    newest.push(...page);
    newest.splice(0, Math.max(0, newest.length - limit));
    after = page.length < pageDays ? undefined : page.at(-1)?.day;
  }
  if (totals.days === 0) return await print("No days are packed.");
  const show = (cells: readonly string[]) =>
    print(cells.map((cell, at) => at === 0 ? cell.padEnd(10) : cell.padStart(13)).join("  "));
  await show(["DAY", "READINGS", "AS ROWS", "PACKED", "A READING"]);
  for (const { day, readings, rowBytes, packedBytes, expanded } of newest) {
    if (readings === 0) {
      await show([day, expanded ? "rows again" : "0"]);
      continue;
    }
    const each = `${(packedBytes / readings).toFixed(2)} B`;
    await show([day, String(readings), formatBytes(rowBytes), formatBytes(packedBytes), each]);
  }
  await print("");
  if (totals.days > newest.length) {
    await print(`The newest ${newest.length} of ${totals.days} days are shown.`);
  }
  const { readings, rowBytes, packedBytes } = totals;
  if (readings === 0) return;
  await print(
    `${readings} readings are packed, in ${formatBytes(packedBytes)}, ` +
      `${(packedBytes / readings).toFixed(2)} B each; as rows they took ${formatBytes(rowBytes)}.`,
  );
}

export const listHistoryAction = defineAction({
  name: "list",
  summary: "Prints the days that are packed, one a line, with their bytes before and after.",
  sections: {
    log: logSettings,
    backend: { db: databaseSettings },
    history: { limit: limit("days to list, the newest") },
  },
  run: ({ backend, history }, context) =>
    onTables("read history", backend.db, context, (db) => {
      const { signal } = context;
      return listHistory(db, { limit: history.limit, signal }, printLine);
    }),
});
