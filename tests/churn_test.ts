import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { endings, finishCalls, leaveCalls } from "./support/churn_connections.ts";
import { GrpcJsClient, iotService } from "./support/grpc_js_client.ts";
import { inTime, surelyBrokenMs, waitUntil } from "./support/wait_until.ts";

const bursts = 5;
const connectionsInBurst = 50;
const leaving = 100;
const leavingAtOnce = 6;
/** Processes that are killed, and the connections that each has made by then. */
const killed = 4;
const killedAfter = 8;

/**
 * What the server may have grown by at the end, in bytes. It is much, as
 * node:http2 before Deno 2.9.5 never frees what it had still to send when a
 * connection ended.
 */
const maxGrowthBytes = 1024 * 1024 * 1024;

Deno.test("the API server survives clients that come, reset, say GOAWAY and die", async () => {
  await using server = await startServer();
  const { port } = server;
  const before = await server.metrics();
  const alive = () => server.exitCode === undefined;

  // Alone, as other load would keep the bursts from reaching the server together.
  for (let burst = 0; burst < bursts && alive(); burst++) {
    const calls = Array.from({ length: connectionsInBurst }, () => finishCalls(port));
    await inTime(Promise.allSettled(calls), "a burst of calls");
  }

  let left = 0;
  const leave = async () => {
    while (left < leaving && alive()) {
      // The server may well hang up first, as GOAWAY allows it to.
      await leaveCalls(port, endings[left++ % endings.length]!).catch(() => {});
    }
  };
  const kill = async () => {
    for (let n = 0; n < killed / 2 && alive(); n++) {
      await using client = deno(Deno.execPath(), "churn_client.ts", String(port));
      await Promise.race([server.exited, lines(client.process.stdout, killedAfter)]);
      // Killed here, in the middle of its calls.
    }
  };
  const all = [kill(), kill(), ...Array.from({ length: leavingAtOnce }, leave)];
  await inTime(Promise.all(all), "all clients to be gone");

  assert.ok(alive(), "the server has crashed");
  using client = new GrpcJsClient(port, iotService());
  await client.unary("GetDevice", { deviceId: "d" }, { deadline: Date.now() + surelyBrokenMs });
  await waitUntil(async () => (await server.metrics()).inHand === 0, {
    what: "the end of the calls whose clients have gone",
  });
  const after = await server.metrics();
  // Every call of the bursts and at least one of each other connection, but for a few.
  assert.ok(after.requests > bursts * connectionsInBurst * 60, `only ${after.requests} calls`);
  const grownBytes = after.residentBytes - before.residentBytes;
  assert.ok(grownBytes < maxGrowthBytes, `memory grew by ${grownBytes} bytes`);
});

interface ChurnServer extends AsyncDisposable {
  readonly port: number;
  readonly exitCode: number | undefined;
  readonly exited: Promise<unknown>;
  metrics(): Promise<Record<"inHand" | "requests" | "residentBytes", number>>;
}

/** The server, on `CHURN_DENO` (the path of an executable) if that is set. */
async function startServer(): Promise<ChurnServer> {
  const child = deno(Deno.env.get("CHURN_DENO") ?? Deno.execPath(), "churn_server.ts");
  const reader = child.process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  assert.ok(value !== undefined, "the server did not start");
  const { port, admin } = JSON.parse(value);
  let exitCode: number | undefined;
  const exited = child.process.status.then(({ code }) => exitCode = code);
  return {
    port,
    exited,
    get exitCode() {
      return exitCode;
    },
    async metrics() {
      const text = await (await fetch(`${admin}/metrics`)).text();
      const sum = (name: string) =>
        [...text.matchAll(new RegExp(`^${name}\\{.*\\} (\\S+)$`, "gm"))]
          .reduce((total, [, number]) => total + Number(number), 0);
      return {
        inHand: sum("rpc_in_hand"),
        requests: sum("rpc_requests_total"),
        residentBytes: sum("process_resident_memory_bytes"),
      };
    },
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      await reader.cancel();
    },
  };
}

/** Resolves once so many lines have come. */
async function lines(stream: ReadableStream<Uint8Array>, count: number): Promise<void> {
  let seen = 0;
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    seen += text.split("\n").length - 1;
    if (seen >= count) return;
  }
}

/** Runs a script of tests/support until it is disposed of, and then kills it. */
function deno(executable: string, script: string, ...args: string[]) {
  const path = fileURLToPath(new URL(`./support/${script}`, import.meta.url));
  const lock = fileURLToPath(new URL("./deno.lock", import.meta.url));
  const process = new Deno.Command(executable, {
    // Another Deno than the pinned one may name the same packages in another way.
    args: ["run", "--quiet", `--lock=${lock}`, "--frozen=false", "--allow-all", path, ...args],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  return {
    process,
    async [Symbol.asyncDispose]() {
      try {
        process.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
      await process.status;
      if (!process.stdout.locked) await process.stdout.cancel();
    },
  };
}
