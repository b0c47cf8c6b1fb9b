import type { Logger } from "@logtape/logtape";
import type { RunContext } from "#shared/command/run_context.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { connectOnce, type SingleConnection } from "../../queues/connect_once.ts";
import { type DeadLetterQueue, findDeadLetterQueues } from "./dead_letter_queues.ts";
import type { LetterBroker } from "./letter_broker.ts";
import type { LetterFilter } from "./letter_filter.ts";

/** What an action works with. */
export interface OpenLetters extends AsyncDisposable {
  readonly link: SingleConnection;
  /** Those that the filter asks for and that exist. */
  readonly queues: readonly DeadLetterQueue[];
  readonly filter: LetterFilter;
  /** When they were opened, in Unix milliseconds: what their ages are told by. */
  readonly nowMs: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Connects to the broker whose dead letters are wanted, and looks which queues it has.
 *
 * @throws {ExitError} for `memory://`, when there is no connection, or if the filter names none
 *   of the queues.
 */
export async function openLetters(
  broker: LetterBroker,
  filter: LetterFilter,
  { log, signal }: Pick<RunContext, "log" | "signal">,
): Promise<OpenLetters> {
  if (broker.url.protocol === "memory:") {
    throw new ExitError(
      "Cannot read the dead letters of memory://: they are gone with the process that held " +
        "them; set backend.rabbitmq.url to an amqp:// URL",
    );
  }
  await using opening = new AsyncDisposableStack();
  const link = opening.use(await connectOnce(broker.url, "dead-letters", log));
  const queues = await findDeadLetterQueues(link, broker, filter.queue, log);
  const open = opening.move();
  return {
    link,
    queues,
    filter,
    nowMs: Date.now(),
    log,
    signal,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
