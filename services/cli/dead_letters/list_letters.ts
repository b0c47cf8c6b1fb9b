import { defineAction } from "#shared/command/define_action.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import type { ConfigOf } from "#shared/config/setting.ts";
import { formatAge } from "../output/age.ts";
import { type Print, printLine } from "../output/print.ts";
import { printable } from "../output/printable.ts";
import { limit } from "../settings/limit.ts";
import type { Letter } from "./letters/letter.ts";
import { letterBrokerSettings } from "./letters/letter_broker.ts";
import { LetterCopies } from "./letters/letter_copies.ts";
import { LetterCounts } from "./letters/letter_counts.ts";
import { letterFilterSettings } from "./letters/letter_filter.ts";
import { openLetters } from "./letters/open_letters.ts";
import { checkNoneMissed, walkLetters } from "./letters/walk_letters.ts";

const listSettings = {
  backend: { rabbitmq: letterBrokerSettings },
  dead_letters: { ...letterFilterSettings, limit: limit("letters to list, oldest first") },
};

/** Longest detail that a row shows, in characters; `show` has the whole. */
const longestDetail = 120;

/**
 * Prints a row for each letter as it is found, up to the limit, and the counts
 * of all. A further copy of a letter has no row of its own.
 */
export async function listLetters(
  { backend, deadLetters: { limit, ...filter } }: ConfigOf<typeof listSettings>,
  context: Pick<RunContext, "log" | "signal">,
  print: Print,
): Promise<void> {
  await using letters = await openLetters(backend.rabbitmq, filter, context);
  const { queues, nowMs } = letters;
  const counts = new LetterCounts();
  const copies = new LetterCopies();
  let missed = 0;
  const queueWidth = Math.max(5, ...queues.map(({ name }) => name.length));
  const show = (cells: readonly string[]) => {
    const [id, queue, position, age, size, replays, reason, detail] = cells;
    return print(
      `${id!.padEnd(16)}  ${queue!.padEnd(queueWidth)}  ${position!.padStart(8)}  ` +
        `${age!.padStart(7)}  ${size!.padStart(10)}  ${replays!.padStart(7)}  ` +
        `${reason!.padEnd(19)}  ${detail}`,
    );
  };
  for (const queue of queues) {
    const walked = await walkLetters(letters, {
      queue,
      maxLetters: queue.letters,
      visit(letter, position) {
        if (!copies.isFirst(letter)) return "leave";
        counts.add(queue.name, letter.reason);
        if (counts.total > limit) return "leave";
        if (counts.total === 1) {
          show(["ID", "QUEUE", "POSITION", "AGE", "BYTES", "REPLAYS", "REASON", "DETAIL"]);
        }
        const shown = show([
          printable(letter.id),
          queue.name,
          String(position),
          letter.timeMs === undefined ? "?" : formatAge(nowMs - letter.timeMs),
          String(letter.body.length),
          String(letter.replays),
          printable(letter.reason),
          shortDetail(letter),
        ]);
        return shown.then(() => "leave");
      },
    });
    missed += walked.missed;
  }
  if (counts.total === 0) await print("No dead letters.");
  else {
    await print("");
    if (counts.total > limit) await print(`The first ${limit} of ${counts.total} are shown.`);
    for (const line of counts.lines()) await print(line);
    if (copies.further > 0) await print(`${copies.further} more are further copies of these.`);
  }
  checkNoneMissed(missed);
}

function shortDetail({ detail }: Letter): string {
  const text = printable(detail);
  return text.length <= longestDetail ? text : `${text.slice(0, longestDetail - 1)}…`;
}

export const listLettersAction = defineAction({
  name: "list",
  summary: "Prints dead letters, one a line, and counts by queue and reason.",
  sections: { log: logSettings, ...listSettings },
  run: (config, context) => listLetters(config, context, printLine),
});
