import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect, createServer, type Socket } from "node:net";
import { getLogger } from "@logtape/logtape";
import { amqpUrl, uniqueQueue } from "../../../tests/support/rabbitmq.ts";
import { ExitError } from "../../lifecycle/exit_error.ts";
import { AmqpBroker } from "./amqp_broker.ts";
import { handshakeRefusal } from "./handshake_refusal.ts";

const { signal } = new AbortController();

function frame(method: number, content: Uint8Array): Buffer {
  const head = Buffer.alloc(11);
  head.writeUInt8(1, 0);
  head.writeUInt32BE(4 + content.length, 3);
  head.writeUInt32BE(method, 7);
  return Buffer.concat([head, content, Buffer.from([0xce])]);
}

/** Speaks as RabbitMQ does, and closes once it is asked for the virtual host. */
function refuse(socket: Socket, code: number, text: string): void {
  const mechanisms = Buffer.from("PLAIN");
  const locales = Buffer.from("en_US");
  const lengths = [0, 9, 0, 0, 0, 0, 0, 0, 0, mechanisms.length];
  const start = frame(
    0x000a_000a,
    Buffer.concat([Buffer.from(lengths), mechanisms, Buffer.from([0, 0, 0, 5]), locales]),
  );
  const tune = frame(0x000a_001e, Buffer.from([7, 255, 0, 2, 0, 0, 0, 60]));
  const head = Buffer.from([code >> 8, code & 255, text.length]);
  const close = frame(0x000a_0032, Buffer.concat([head, Buffer.from(text), Buffer.alloc(4)]));
  const answers = [start, tune, close];
  socket.on("data", () => {
    // In two parts, as a network may.
    const answer = answers.shift();
    socket.write(answer?.subarray(0, 9) ?? "");
    socket.write(answer?.subarray(9) ?? "");
  });
}

/** A way to RabbitMQ that refuses so many connections first. */
async function refusing(times: number, code: number, text: string) {
  const target = new URL(amqpUrl ?? "amqp://guest:guest@127.0.0.1:1");
  const open = new Set<Socket>();
  let refused = 0;
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => {});
    if (refused < times) {
      refused++;
      return refuse(socket, code, text);
    }
    const through = connect(Number(target.port || 5672), target.hostname);
    open.add(through);
    through.on("error", () => {});
    socket.pipe(through).pipe(socket);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", () => listening()));
  const url = new URL(target);
  url.hostname = "127.0.0.1";
  url.port = String((server.address() as { readonly port: number }).port);
  return {
    url,
    refused: () => refused,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

function brokerAt(url: URL): AmqpBroker {
  const queues = { durable: true, type: "classic" } as const;
  return new AmqpBroker({ url, queues, signal, log: getLogger("refusal-test") });
}

Deno.test("handshakeRefusal reads why a broker refuses a connection", async () => {
  await using broker = await refusing(1, 541, "INTERNAL_ERROR - vhost 'x' is down");
  assert.equal(
    await handshakeRefusal(broker.url, signal),
    "541 INTERNAL_ERROR - vhost 'x' is down",
  );
});

for (
  const [code, text] of [
    [541, "INTERNAL_ERROR - access to vhost '/' refused for user 'guest': vhost '/' is down"],
    [
      530,
      "NOT_ALLOWED - connection refused for user 'guest': user connection limit (1) is reached",
    ],
  ] as const
) {
  Deno.test({
    name: `AmqpBroker waits at the start until a refusal passes: ${text}`,
    ignore: amqpUrl === undefined,
    async fn() {
      // Each refusal is asked for its reason.
      await using way = await refusing(4, code, text);
      await using queue = uniqueQueue("refusal");
      await using broker = brokerAt(way.url);
      await broker.openPublisher({ queues: [queue.name], maxUnconfirmed: 1 });
      assert.equal(broker.ready, true);
      assert.equal(way.refused(), 4);
    },
  });
}

Deno.test({
  name: "AmqpBroker gives up at the start where there is no such virtual host",
  ignore: amqpUrl === undefined,
  async fn() {
    const url = new URL(amqpUrl!);
    url.pathname = "/none";
    await using broker = brokerAt(url);
    await assert.rejects(
      broker.openPublisher({ queues: ["q"], maxUnconfirmed: 1 }),
      (error) => error instanceof ExitError && /no virtual host none/.test(error.message),
    );
  },
});
