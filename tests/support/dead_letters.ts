import { getLogger } from "@logtape/logtape";
import { openBroker } from "#shared/broker/open_broker.ts";
import { deadLetterQueue, type Delivery } from "#shared/broker/port/broker.ts";
import {
  deadLetter,
  type DeadLetterReason,
} from "../../services/backend/ingest/letters/dead_letters.ts";
import { dropLetters } from "../../services/cli/dead_letters/drop_letters.ts";
import { listLetters } from "../../services/cli/dead_letters/list_letters.ts";
import { replayLetters } from "../../services/cli/dead_letters/replay_letters.ts";
import { showLetter } from "../../services/cli/dead_letters/show_letter.ts";
import { amqpUrl, uniqueQueue } from "./rabbitmq.ts";

export interface GivenLetter extends Partial<Delivery> {
  readonly body: Uint8Array;
  readonly reason?: DeadLetterReason;
}

const actions = {
  list: listLetters,
  show: showLetter,
  replay: replayLetters,
  drop: dropLetters,
} as const;

type Action = keyof typeof actions;

/** The settings of all actions: what one of them does not have, it does not see. */
type LetterSettings =
  & Parameters<typeof dropLetters>[0]["deadLetters"]
  & Parameters<typeof showLetter>[0]["deadLetters"];

/** Two queues of its own with their dead letters, on the RabbitMQ of the tests. */
export class LetterFixture implements AsyncDisposable {
  readonly device = uniqueQueue("letters-devices");
  readonly sensor = uniqueQueue("letters-readings");
  readonly #type: "classic" | "quorum";

  constructor(type: "classic" | "quorum" = "classic") {
    this.#type = type;
  }

  /** Declares the queues, and dead-letters these messages of the sensor queue as ingest does. */
  async fill(letters: readonly GivenLetter[], queue = this.sensor.name): Promise<void> {
    await using broker = openBroker({
      url: new URL(amqpUrl!),
      queues: { durable: true, type: this.#type },
      log: getLogger("letters-test"),
      signal: new AbortController().signal,
      memoryQueues: undefined,
    });
    const names = [this.device.name, this.sensor.name];
    const publisher = await broker.openPublisher({
      queues: [...names, ...names.map(deadLetterQueue)],
      maxUnconfirmed: 1_000,
    });
    const sent: Promise<void>[] = [];
    for (const { reason = "undecodable", ...given } of letters) {
      await publisher.room();
      const delivery = { headers: {}, contentType: undefined, redelivered: false, ...given };
      sent.push(deadLetter(publisher, queue, delivery, reason, `for being ${reason}`));
    }
    await Promise.all(sent);
  }

  /** Runs an action, and returns the lines that it printed; `print` is called with each. */
  async run(
    action: Action,
    given: Partial<LetterSettings> = {},
    signal = new AbortController().signal,
    print: (line: string) => Promise<void> = () => Promise.resolve(),
  ): Promise<readonly string[]> {
    const lines: string[] = [];
    await actions[action](
      {
        backend: {
          rabbitmq: {
            url: new URL(amqpUrl!),
            deviceQueue: this.device.name,
            sensorQueue: this.sensor.name,
            queueType: this.#type,
          },
        },
        deadLetters: {
          queue: undefined,
          id: undefined,
          reason: undefined,
          olderThanMs: undefined,
          newerThanMs: undefined,
          limit: Infinity,
          dumpBytes: 1_024,
          yes: false,
          ...given,
        },
      },
      { log: getLogger("letters-test"), signal },
      (line) => {
        lines.push(line);
        return print(line);
      },
    );
    return lines;
  }

  /** Ids of the dead letters, in the order of their queues. */
  async ids(): Promise<readonly string[]> {
    const lines = await this.run("list");
    return lines.flatMap((line) => /^[0-9a-f]{16} /.test(line) ? [line.slice(0, 16)] : []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.device[Symbol.asyncDispose]();
    await this.sensor[Symbol.asyncDispose]();
  }
}
