import { defineCommand } from "#shared/command/command_line.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import type { ConfigOf } from "#shared/config/setting.ts";
import { optional, text, trueOrFalse, wholeNumber } from "#shared/config/setting_kinds.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { backendSettings } from "../../backend/config.ts";
import { age } from "../output/age.ts";
import { type Print, printLine } from "../output/print.ts";
import { connectForLetters, findDeadLetterQueues } from "./dead_letter_queues.ts";
import { dropLetters } from "./drop_letters.ts";
import { isNarrow } from "./letter_filter.ts";
import { listLetters } from "./list_letters.ts";
import { replayLetters } from "./replay_letters.ts";
import { showLetter } from "./show_letter.ts";

const {
  url,
  sensor_queue: sensorQueue,
  device_queue: deviceQueue,
  queue_type: queueType,
} = backendSettings.backend.rabbitmq;

export const deadLetterSettings = {
  log: logSettings,
  backend: {
    rabbitmq: { url, sensor_queue: sensorQueue, device_queue: deviceQueue, queue_type: queueType },
  },
  dead_letters: {
    queue: optional(text({
      doc: "only letters of this queue, by its own name or its dead-letter queue's",
      default: "",
      placeholder: "queue",
    })),
    id: optional(text({ doc: "only the letter of this id", default: "", placeholder: "id" })),
    reason: optional(text({
      doc: "only letters of this reason, such as undecodable or out_of_range",
      default: "",
      placeholder: "reason",
    })),
    older_than: age("only letters that were dead-lettered longer ago"),
    newer_than: age("only letters that were dead-lettered less long ago"),
    limit: wholeNumber({
      doc: "letters to list, replay or drop, at most, oldest first; 0 is all",
      default: 0,
      min: 0,
      max: 1_000_000_000,
    }),
    dump_bytes: wholeNumber({
      doc: "bytes of the body that show prints, at most",
      default: 1_024,
      min: 0,
      max: 1_000_000_000,
    }),
    yes: trueOrFalse({ doc: "drop everything, when no filter says less", default: false }),
  },
};

export type DeadLetterConfig = Omit<ConfigOf<typeof deadLetterSettings>, "log">;

/** Lists, shows, replays or drops dead letters; see the command's actions. */
export async function runDeadLetters(
  { backend, deadLetters }: DeadLetterConfig,
  { log, signal }: Pick<RunContext, "log" | "signal">,
  action: string,
  print: Print = printLine,
): Promise<void> {
  const { limit, dumpBytes, yes, ...filter } = deadLetters;
  if (action === "drop" && !isNarrow(filter) && !yes) {
    throw new ExitError(
      "Cannot drop all dead letters unasked: say which with --queue, --id, --reason, " +
        "--older-than or --newer-than, or say --yes true",
    );
  }
  await using link = await connectForLetters(backend.rabbitmq, log);
  const context = {
    link,
    broker: backend.rabbitmq,
    queues: await findDeadLetterQueues(link, backend.rabbitmq, filter.queue, log),
    filter,
    limit: limit === 0 ? Infinity : limit,
    nowMs: Date.now(),
    log,
    signal,
  };
  if (action === "show") await showLetter(context, dumpBytes, print);
  else if (action === "replay") await replayLetters(context, print);
  else if (action === "drop") await dropLetters(context, print);
  else await listLetters(context, print);
}

export const deadLettersCommand = defineCommand({
  name: "dead-letters",
  task: true,
  summary: "Works on the messages that no retry could make readable.",
  actions: {
    list: "one a line, and counts by queue and reason",
    show: "one in full: the first that matches, or that of --id",
    replay: "send them to the queue that they came from, and remove each once it is there",
    drop: "remove them for good",
  },
  sections: deadLetterSettings,
  unused: backendSettings,
  run: (config, context, action) => runDeadLetters(config, context, action),
});
