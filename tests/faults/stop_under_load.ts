import assert from "node:assert/strict";
import { FaultRun } from "../support/fault_run.ts";

const stops = 4;
const readingsBetween = 5_000;
/** Twice what a backend promises: the machine may be busy. */
const longestStopMs = 20_000;

Deno.test("A backend that is stopped under load ends in bounded time, with nothing lost or doubled", async () => {
  await using run = await FaultRun.open({ devices: 200, perSecond: 4_000 });
  await run.startBackend();
  run.startGenerator();
  const stop = async () => {
    const [backend] = run.backends;
    const startedMs = performance.now();
    const { code } = await run.endBackend(backend!, "SIGTERM");
    const tookMs = performance.now() - startedMs;
    assert.equal(code, 0, backend!.output());
    assert(tookMs < longestStopMs, `took ${tookMs} ms`);
  };
  const faults = [
    ...Array.from({ length: stops }, () => stop),
    async () => {
      // A write that cannot end: its rows are given back, unacked.
      await using locker = await run.servers.session();
      await locker.client.query("begin");
      await locker.client.query("lock table sensor_readings in exclusive mode");
      await stop();
    },
    async () => {
      await run.servers.brokerProxy.become("stall");
      await stop();
      await run.servers.brokerProxy.become("pass");
    },
    async () => {
      await run.servers.databaseProxy.become("stall");
      await stop();
      await run.servers.databaseProxy.become("pass");
    },
    async () => {
      await run.servers.brokerProxy.become("stall");
      await run.servers.databaseProxy.become("stall");
      await using _call = callInHand(run);
      await stop();
      await run.servers.brokerProxy.become("pass");
      await run.servers.databaseProxy.become("pass");
    },
  ];
  for (const [index, fault] of faults.entries()) {
    await run.flows(readingsBetween);
    if (index === 0) {
      await run.stopGenerator();
      run.startGenerator();
    }
    await fault();
    await run.startBackend();
  }
  await run.flows(readingsBetween);
  await run.finish();
});

/** A query that the backend's API has taken, and its database does not answer. */
function callInHand(run: FaultRun): AsyncDisposable {
  const [, api] = /"api":"([^"]+)"/.exec(run.backends[0]!.output())!;
  const ended = fetch(`${api}/iot.v1.IoTService/GetAllDevice`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  }).then((answer) => answer.body?.cancel(), () => {});
  return { [Symbol.asyncDispose]: () => ended };
}
