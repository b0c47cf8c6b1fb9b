import { fromBinary, toJson } from "@bufbuild/protobuf";
import { defineAction } from "#shared/command/define_action.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import type { ConfigOf } from "#shared/config/setting.ts";
import { wholeNumber } from "#shared/config/setting_kinds.ts";
import { IoTDeviceSchema } from "#shared/gen/iot/v1/device_pb.ts";
import { SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { formatAge } from "../output/age.ts";
import { hexDump } from "../output/hex_dump.ts";
import { type Print, printLine } from "../output/print.ts";
import { printable } from "../output/printable.ts";
import type { DeadLetterQueue } from "./letters/dead_letter_queues.ts";
import type { Letter } from "./letters/letter.ts";
import { endingBrokerSettings } from "./letters/letter_broker.ts";
import { letterFilterSettings } from "./letters/letter_filter.ts";
import { openLetters } from "./letters/open_letters.ts";
import { checkNoneMissed, walkLetters } from "./letters/walk_letters.ts";

const showSettings = {
  backend: { rabbitmq: endingBrokerSettings },
  dead_letters: {
    ...letterFilterSettings,
    dump_bytes: wholeNumber({
      doc: "bytes of the body to print, at most",
      default: 1_024,
      min: 0,
      max: 1_000_000_000,
    }),
  },
};

/**
 * Prints the first letter that passes the filter, whole.
 *
 * @throws {ExitError} if none passes it.
 */
export async function showLetter(
  { backend, deadLetters: { dumpBytes, ...filter } }: ConfigOf<typeof showSettings>,
  context: Pick<RunContext, "log" | "signal">,
  print: Print,
): Promise<void> {
  const { queueType } = backend.rabbitmq;
  await using letters = await openLetters(backend.rabbitmq, filter, context);
  let missed = 0;
  for (const queue of letters.queues) {
    let found: Letter | undefined;
    const walked = await walkLetters(letters, {
      queue,
      maxLetters: queue.letters,
      visit(letter) {
        found ??= letter;
        return "leave";
      },
      early: { queueType, enough: () => found !== undefined },
    });
    missed += walked.missed;
    if (found === undefined) continue;
    for (const line of describe(found, queue, letters.nowMs)) await print(line);
    await print("");
    for (const line of hexDump(found.body.subarray(0, dumpBytes))) await print(line);
    const more = found.body.length - dumpBytes;
    if (more > 0) await print(`… and ${more} bytes more; --dump-bytes shows them`);
    await print("");
    for (const line of fields(found, queue)) await print(line);
    return;
  }
  checkNoneMissed(missed);
  throw new ExitError("Cannot show a dead letter: none matches");
}

function* describe(letter: Letter, queue: DeadLetterQueue, nowMs: number): Generator<string> {
  const { id, reason, detail, timeMs, replays, contentType, headers, properties, body } = letter;
  const line = (name: string, value: string) => `${name.padEnd(14)}${printable(value)}`;
  yield line("id", id);
  yield line("queue", queue.name);
  yield line("reason", reason);
  yield line("detail", detail);
  yield line(
    "time",
    timeMs === undefined
      ? "unknown"
      : `${new Date(timeMs).toISOString()} (${formatAge(nowMs - timeMs)} ago)`,
  );
  yield line("replays", String(replays));
  yield line("content type", contentType ?? "none");
  for (const [name, value] of Object.entries(properties)) {
    yield line("property", `${name}: ${value}`);
  }
  for (const [name, value] of Object.entries(headers)) {
    yield line("header", `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  }
  yield line("body", `${body.length} bytes`);
}

/** The body's fields, if it decodes, one a line. */
function* fields({ body }: Letter, { holds }: DeadLetterQueue): Generator<string> {
  const kind = holds === "devices" ? "IoTDevice" : "SensorReading";
  try {
    const options = { alwaysEmitImplicit: true, useProtoFieldName: true };
    const json = holds === "devices"
      ? toJson(IoTDeviceSchema, fromBinary(IoTDeviceSchema, body), options)
      : toJson(SensorReadingSchema, fromBinary(SensorReadingSchema, body), options);
    yield `${kind}`;
    for (const [name, value] of Object.entries(json as Readonly<Record<string, unknown>>)) {
      yield `  ${name}: ${printable(String(value))}`;
    }
  } catch (error) {
    yield `Not a ${kind}: ${printable(error instanceof Error ? error.message : String(error))}`;
  }
}

export const showLetterAction = defineAction({
  name: "show",
  summary: "Prints one dead letter in full: the first that matches, or that of --id.",
  sections: { log: logSettings, ...showSettings },
  run: (config, context) => showLetter(config, context, printLine),
});
