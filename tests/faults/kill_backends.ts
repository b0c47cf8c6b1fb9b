import assert from "node:assert/strict";
import { FaultRun } from "../support/fault_run.ts";
import { waitUntil } from "../support/wait_until.ts";

const kills = 10;
const readingsBetween = 5_000;
const writers = 2;

Deno.test("Nothing is lost or doubled when backends are killed in mid-batch", async () => {
  await using run = await FaultRun.open({
    devices: 200,
    perSecond: 3_000,
    backendEnv: { APP_BACKEND_INGEST_WRITERS: String(writers) },
  });
  await run.startBackend();
  await run.startBackend();
  run.startGenerator();
  for (let kill = 1; kill <= kills; kill++) {
    await run.flows(readingsBetween);
    // At whatever it does just now: between a commit and its ack, it may be.
    if (kill % 3 === 1) await run.endBackend(run.backends[0]!, "SIGKILL");
    else await killInMidWrite(run, kill % 3 === 2 ? "rolled back" : "committed");
    await run.startBackend();
  }
  await run.flows(readingsBetween);
  await run.finish();
});

/**
 * Kills a backend while its write waits for a lock. The server goes on with the
 * write even so, and commits what will never be acked, or it is told not to.
 */
async function killInMidWrite(run: FaultRun, write: "committed" | "rolled back"): Promise<void> {
  await using locker = await run.servers.session();
  await locker.client.query("begin");
  await locker.client.query("lock table sensor_readings in exclusive mode");
  await waitUntil(async () => {
    const waiting = await run.servers.sql(
      `select from pg_stat_activity
      where application_name = 'iot-backend' and wait_event_type = 'Lock'`,
    );
    return waiting.length >= writers * run.backends.length;
  }, { what: "every writer of both backends to wait for the lock" });
  const { signal } = await run.endBackend(run.backends[0]!, "SIGKILL");
  assert.equal(signal, "SIGKILL");
  if (write === "rolled back") await run.servers.terminateSessions();
  await locker.client.query("rollback");
}
