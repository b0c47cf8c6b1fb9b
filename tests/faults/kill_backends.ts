import assert from "node:assert/strict";
import { FaultRun } from "../support/fault_run.ts";
import { waitUntil } from "../support/wait_until.ts";

const kills = 10;

Deno.test("Nothing is lost or doubled when backends are killed in mid-batch", async () => {
  await using run = await FaultRun.open({ readings: 60_000, devices: 200, perSecond: 3_000 });
  await run.startBackend();
  await run.startBackend();
  run.startGenerator();
  for (let kill = 1; kill <= kills; kill++) {
    await run.reaches(kill / (kills + 1));
    if (kill % 2 === 0) await killInMidWrite(run);
    // At whatever it does just now: between a commit and its ack, it may be.
    else await run.endBackend(run.backends[0]!, "SIGKILL");
    await run.startBackend();
  }
  await run.finish();
});

/** Kills a backend while its write waits for a lock; the write may still be committed. */
async function killInMidWrite(run: FaultRun): Promise<void> {
  await using locker = await run.session();
  await locker.client.query("begin");
  await locker.client.query("lock table sensor_readings in exclusive mode");
  await waitUntil(async () => {
    const waiting = await run.sql(
      `select from pg_stat_activity
      where application_name = 'iot-backend' and wait_event_type = 'Lock'`,
    );
    return waiting.length >= run.backends.length;
  }, { deadlineMs: 30_000, what: "writes of both backends to wait for the lock" });
  const { signal } = await run.endBackend(run.backends[0]!, "SIGKILL");
  assert.equal(signal, "SIGKILL");
  await locker.client.query("rollback");
}
