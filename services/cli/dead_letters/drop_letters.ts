import { defineAction } from "#shared/command/define_action.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import type { ConfigOf } from "#shared/config/setting.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { type Print, printLine } from "../output/print.ts";
import { dropAll } from "../settings/drop_all.ts";
import { limit } from "../settings/limit.ts";
import { endingBrokerSettings } from "./letters/letter_broker.ts";
import { LetterCopies } from "./letters/letter_copies.ts";
import { LetterCounts } from "./letters/letter_counts.ts";
import { isNarrow, letterFilterSettings } from "./letters/letter_filter.ts";
import { openLetters } from "./letters/open_letters.ts";
import { checkNoneMissed, walkLetters } from "./letters/walk_letters.ts";

const dropSettings = {
  backend: { rabbitmq: endingBrokerSettings },
  dead_letters: {
    ...letterFilterSettings,
    limit: limit("letters to drop, oldest first"),
    yes: dropAll(),
  },
};

/**
 * Removes the letters that pass the filter for good, and says what they were.
 *
 * @throws {ExitError} if nothing says which, and nobody asked for all.
 */
export async function dropLetters(
  { backend, deadLetters: { limit, yes, ...filter } }: ConfigOf<typeof dropSettings>,
  context: Pick<RunContext, "log" | "signal">,
  print: Print,
): Promise<void> {
  if (!isNarrow(filter) && !yes) {
    throw new ExitError(
      "Cannot drop all dead letters unasked: say which with --queue, --id, --reason, " +
        "--older-than or --newer-than, or say --yes",
    );
  }
  const { queueType } = backend.rabbitmq;
  await using letters = await openLetters(backend.rabbitmq, filter, context);
  const { queues } = letters;
  const counts = new LetterCounts();
  const copies = new LetterCopies();
  let removed = 0;
  let missed = 0;
  try {
    for (const queue of queues) {
      const walked = await walkLetters(letters, {
        queue,
        maxLetters: queue.letters,
        visit(letter) {
          if (counts.total >= limit && !copies.has(letter)) return "leave";
          if (copies.isFirst(letter)) counts.add(queue.name, letter.reason);
          return "remove";
        },
        early: { queueType, enough: () => counts.total >= limit },
      });
      removed += walked.removed;
      missed += walked.missed;
    }
  } catch (error) {
    await print(`Dropped up to ${counts.total}, then stopped; the others are where they were.`);
    throw error;
  }
  for (const line of counts.lines()) await print(line);
  const all = queues.reduce((sum, queue) => sum + queue.letters, 0);
  await print(`Dropped ${counts.total}${copies.inWords()}, left ${all - removed}.`);
  checkNoneMissed(missed);
}

export const dropLettersAction = defineAction({
  name: "drop",
  summary: "Removes dead letters for good.",
  sections: { log: logSettings, ...dropSettings },
  run: (config, context) => dropLetters(config, context, printLine),
});
