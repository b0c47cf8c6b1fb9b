import type { Print } from "../output/print.ts";
import { checkNoneMissed, type LetterContext, walkLetters } from "./dead_letter_queues.ts";
import { LetterCopies } from "./letter_copies.ts";
import { LetterCounts } from "./letter_counts.ts";

/** Removes the letters that pass the filter for good, and says what they were. */
export async function dropLetters(context: LetterContext, print: Print): Promise<void> {
  const { queues, limit } = context;
  const counts = new LetterCounts();
  const copies = new LetterCopies();
  let removed = 0;
  let missed = 0;
  try {
    for (const queue of queues) {
      const walked = await walkLetters(context, {
        queue,
        maxLetters: queue.letters,
        visit(letter) {
          if (counts.total >= limit && !copies.has(letter)) return "leave";
          if (copies.isFirst(letter)) counts.add(queue.name, letter.reason);
          return "remove";
        },
        enough: () => counts.total >= limit,
      });
      removed += walked.removed;
      missed += walked.missed;
    }
  } catch (error) {
    await print(`Dropped up to ${counts.total}, then stopped; the others are where they were.`);
    throw error;
  }
  for (const line of counts.lines()) await print(line);
  const letters = queues.reduce((sum, queue) => sum + queue.letters, 0);
  await print(`Dropped ${counts.total}${copies.inWords()}, left ${letters - removed}.`);
  checkNoneMissed(missed);
}
