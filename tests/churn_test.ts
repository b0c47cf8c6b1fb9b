import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { endings, finishCalls, leaveCalls } from "./support/churn_connections.ts";
import { GrpcJsClient, iotService } from "./support/grpc_js_client.ts";

/** How long each kind of client goes on, in milliseconds. */
const finishingMs = 5_000;
const leavingMs = 5_000;
const connectionsInBurst = 50;
const connectionsAtOnce = 6;

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
  let connections = 0;

  // Alone, as other load would keep the bursts from reaching the server together.
  const finishUntil = Date.now() + finishingMs;
  while (Date.now() < finishUntil && server.exitCode === undefined) {
    const burst = Array.from({ length: connectionsInBurst }, () => finishCalls(port));
    await Promise.allSettled(burst);
    connections += connectionsInBurst;
  }

  const leaveUntil = Date.now() + leavingMs;
  const goesOn = () => Date.now() < leaveUntil && server.exitCode === undefined;
  const leaving = Array.from({ length: connectionsAtOnce }, async (_, i) => {
    for (let n = i; goesOn(); n++) {
      // The server may well hang up first, as GOAWAY allows it to.
      await leaveCalls(port, endings[n % endings.length]!).catch(() => {});
      connections++;
    }
  });
  const killing = [1, 2].map(async (seconds) => {
    while (goesOn()) {
      await using _client = deno(Deno.execPath(), "churn_client.ts", String(port));
      let timer: ReturnType<typeof setTimeout> | undefined;
      const time = new Promise((end) => timer = setTimeout(end, seconds * 1_000));
      await Promise.race([server.exited, time]);
      clearTimeout(timer);
      // Killed here, in the middle of its calls.
    }
  });
  await Promise.all([...leaving, ...killing]);

  assert.equal(server.exitCode, undefined, "the server has crashed");
  using client = new GrpcJsClient(port, iotService());
  await client.unary("GetDevice", { deviceId: "d" }, { deadline: Date.now() + 5_000 });
  let after = await server.metrics();
  const deadline = Date.now() + 5_000;
  while (after.inHand > 0 && Date.now() < deadline) {
    await new Promise((again) => setTimeout(again, 100));
    after = await server.metrics();
  }
  assert.equal(after.inHand, 0, "calls whose clients have gone still run");
  assert.ok(connections > 50, `only ${connections} connections`);
  assert.ok(after.requests > 500, `only ${after.requests} calls`);
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

/** Runs a script of tests/support until it is disposed of, and then kills it. */
function deno(executable: string, script: string, ...args: string[]) {
  const path = fileURLToPath(new URL(`./support/${script}`, import.meta.url));
  const lock = fileURLToPath(new URL("./deno.lock", import.meta.url));
  const process = new Deno.Command(executable, {
    args: ["run", "--quiet", `--lock=${lock}`, "--allow-all", path, ...args],
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
