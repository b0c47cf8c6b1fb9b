import type { Kysely } from "kysely";
import { defineAction } from "#shared/command/define_action.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { databaseSettings } from "../../backend/config.ts";
import type { Database } from "../../backend/store/database.ts";
import { expandDay, NotExpandable } from "../../backend/store/history/expand_day.ts";
import { listDays } from "../../backend/store/history/list_days.ts";
import { onTables } from "../database/on_tables.ts";
import { type Print, printLine } from "../output/print.ts";
import { utcDay } from "../settings/utc_day.ts";

const pageDays = 1_000;

/**
 * Makes rows again of the days from `from` to `to`, both included, that are packed.
 *
 * @throws {ExitError} where there are none, or one can't be.
 */
export async function expandHistory(
  db: Kysely<Database>,
  { from, to }: { readonly from: string; readonly to: string },
  context: Pick<RunContext, "log" | "signal">,
  print: Print,
): Promise<void> {
  const days = await packedDays(db, from, to);
  if (days.length === 0) {
    throw new ExitError(`Cannot expand: no day from ${from} to ${to} is packed`);
  }
  for (const day of days) {
    try {
      const readings = await expandDay(db, { dayMicros: Date.parse(day) * 1_000, context });
      await print(`${day}  ${readings} readings are rows again`);
    } catch (error) {
      if (!(error instanceof NotExpandable)) throw error;
      throw new ExitError(`Cannot expand ${day}: ${error.message}`, { cause: error });
    }
  }
  await print("They stay rows until demo-app history compact --expanded.");
}

async function packedDays(
  db: Kysely<Database>,
  from: string,
  to: string,
): Promise<readonly string[]> {
  const days: string[] = [];
  for (let after = "-infinity";;) {
    const page = await listDays(db, { after, limit: pageDays });
    for (const { day, expanded } of page) if (day >= from && day <= to && !expanded) days.push(day);
    const last = page.at(-1);
    if (last === undefined || page.length < pageDays || last.day >= to) return days;
    after = last.day;
  }
}

export const expandHistoryAction = defineAction({
  name: "expand",
  summary:
    "Makes rows again of days that are packed, for whoever wants to query them by hand; they lie " +
    "in closed_readings, and take their space again.",
  sections: {
    log: logSettings,
    backend: { db: databaseSettings },
    history: {
      from: utcDay("first day (UTC), such as 2026-01-31"),
      to: utcDay("last day; the first one unless given"),
    },
  },
  run: ({ backend, history: { from, to } }, context) =>
    onTables("read history", backend.db, context, (db) => {
      if (from === undefined) {
        throw new ExitError("Cannot expand: say which days, by --from=DAY and --to=DAY");
      }
      return expandHistory(db, { from, to: to ?? from }, context, printLine);
    }),
});
