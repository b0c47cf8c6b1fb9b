import { FaultRun } from "../support/fault_run.ts";

const closes = 5;
const readingsBetween = 5_000;

Deno.test("Nothing is lost or doubled when RabbitMQ restarts or closes every connection", async () => {
  await using run = await FaultRun.open({ devices: 200, perSecond: 2_500 });
  await run.startBackend();
  await run.startBackend();
  run.startGenerator();
  const faults = [
    // In good order, and then as in a power cut.
    ...(["SIGTERM", "SIGKILL"] as const).map((signal) => async () => {
      await run.servers.rabbitmq.stop(signal);
      await run.servers.rabbitmq.start();
    }),
    ...Array.from({ length: closes }, () => async () => {
      await run.servers.rabbitmq.control("-q", "close_all_connections", "fault test");
    }),
  ];
  for (const fault of faults) {
    await run.flows(readingsBetween);
    await fault();
  }
  await run.flows(readingsBetween);
  await run.finish();
});
