import { formatAge } from "./age.ts";
import { type LetterContext, walkLetters } from "./dead_letter_queues.ts";
import type { Letter } from "./letter.ts";
import { LetterCounts } from "./letter_counts.ts";
import type { Print } from "./print.ts";
import { printable } from "./printable.ts";

/** Longest detail that a row shows, in characters; `show` has the whole. */
const longestDetail = 120;

/** Prints a row for each letter as it is found, up to the limit, and the counts of all. */
export async function listLetters(context: LetterContext, print: Print): Promise<void> {
  const { queues, limit, nowMs } = context;
  const counts = new LetterCounts();
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
    await walkLetters(context, {
      queue,
      maxLetters: queue.letters,
      visit(letter, position) {
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
  }
  if (counts.total === 0) return await print("No dead letters.");
  await print("");
  if (counts.total > limit) await print(`The first ${limit} of ${counts.total} are shown.`);
  for (const line of counts.lines()) await print(line);
}

function shortDetail({ detail }: Letter): string {
  const text = printable(detail);
  return text.length <= longestDetail ? text : `${text.slice(0, longestDetail - 1)}…`;
}
