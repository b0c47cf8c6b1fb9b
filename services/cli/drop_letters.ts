import { type LetterContext, walkLetters } from "./dead_letter_queues.ts";
import { LetterCounts } from "./letter_counts.ts";
import type { Print } from "./print.ts";

/** Says how many letters pass the filter, then removes those for good. */
export async function dropLetters(context: LetterContext, print: Print): Promise<void> {
  const { queues, limit } = context;
  const counts = new LetterCounts();
  const drops: { readonly queue: typeof queues[number]; readonly count: number }[] = [];
  for (const queue of queues) {
    const before = counts.total;
    const full = () => counts.total >= limit;
    await walkLetters(context, {
      queue,
      maxLetters: queue.letters,
      visit({ reason }) {
        if (!full()) counts.add(queue.name, reason);
        return "leave";
      },
      enough: full,
    });
    drops.push({ queue, count: counts.total - before });
  }
  const letters = queues.reduce((sum, queue) => sum + queue.letters, 0);
  await print(`Dropping ${counts.total} of ${letters} dead letters:`);
  for (const line of counts.lines()) await print(line);
  let dropped = 0;
  for (const { queue, count } of drops) {
    let here = 0;
    if (count === 0) continue;
    const { removed } = await walkLetters(context, {
      queue,
      maxLetters: queue.letters,
      visit: () => here < count ? (here++, "remove") : "leave",
      enough: () => here >= count,
    });
    dropped += removed;
  }
  await print(`Dropped ${dropped}, left ${letters - dropped}.`);
}
