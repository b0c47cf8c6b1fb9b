import { FaultRun } from "../support/fault_run.ts";
import { waitUntil } from "../support/wait_until.ts";

/** Readings between two faults, more than can be under way unseen when one begins. */
const readingsBetween = 6_000;
/** Bytes a second, a connection: a small part of what the run needs. */
const trickle = 40_000;

Deno.test("Nothing is lost or doubled when the network cuts, stalls and throttles", async () => {
  await using run = await FaultRun.open({
    devices: 200,
    perSecond: 2_500,
    // A stalled connection is taken for dead within 4 s, not 20 s.
    brokerQuery: "?heartbeat=2",
  });
  await run.startBackend();
  await run.startBackend();
  run.startGenerator();
  const { brokerProxy, databaseProxy } = run.servers;
  const proxies = [brokerProxy, databaseProxy];
  const lines = (words: string) =>
    run.everyBackend.reduce((sum, { output }) => sum + output().split(words).length - 1, 0);

  const cut = (proxy: typeof brokerProxy) => async () => {
    proxy.cut();
    await proxy.become("refuse");
    await proxy.become("pass");
  };
  const stallBoth = async () => {
    for (const proxy of proxies) await proxy.become("stall");
    const before = lines("No connection to the broker");
    await waitUntil(() => lines("No connection to the broker") >= before + run.backends.length, {
      what: "the backends to give up the stalled broker",
    });
    for (const proxy of proxies) await proxy.become("pass");
  };
  const throttleBoth = async () => {
    for (const proxy of proxies) proxy.throttle(trickle);
    const stored = await run.servers.stored();
    await waitUntil(async () => await run.servers.stored() > stored + 2_000, {
      what: "readings to trickle through",
    });
    for (const proxy of proxies) proxy.throttle(Infinity);
  };
  /** What is open never says a word again: only a timeout can tell. */
  const freeze = async () => {
    for (const proxy of proxies) proxy.freezeOpen();
    await Promise.resolve();
  };

  const faults = [
    cut(brokerProxy),
    cut(databaseProxy),
    stallBoth,
    throttleBoth,
    freeze,
    cut(databaseProxy),
    cut(brokerProxy),
  ];
  for (const fault of faults) {
    await run.flows(readingsBetween);
    await fault();
  }
  await run.flows(readingsBetween);
  await run.finish();
});
