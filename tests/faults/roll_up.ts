import assert from "node:assert/strict";
import { FaultRun } from "../support/fault_run.ts";
import { PastRun } from "../support/past_run.ts";
import { shuffled } from "../support/shuffled.ts";
import { waitUntil } from "../support/wait_until.ts";

const devices = 20;
const days = 4;
const turns = days * 1_440;
const dayMs = 86_400_000;
const bucketsADay = 1_440 + 24 + 1;
/** What a backend writes in going on, one after the other; and in rolling up again. */
const goingOn = ["reading_progress", "rollups_minute", "rollups_hour", "rollups_day"];
const again = goingOn.slice(1);
/** Of each, beside the one for each of the tables. */
const killsUnderWay = 2;
/** How far it is, in hours; and what it has to do again, in marked hours. */
const rolledHours = "select extract(epoch from rolled_until) / 3600 from reading_progress";
const markedHours = `
  select count(distinct (tenant_id, device_id, hour)) from rollup_marks`;

Deno.test("Rollups are exact when backends are killed while they roll up", async () => {
  await using run = await FaultRun.open({
    devices,
    perSecond: devices,
    backendEnv: { APP_BACKEND_INGEST_BATCH_SIZE: "1000" },
  });
  // So that hours of rows and of packed days are rolled up.
  const startUs = (Math.floor(Date.now() / dayMs) - days) * dayMs * 1_000;
  const past = new PastRun({ devices, startUs, intervalUs: 60_000_000, turns });
  const packing = { APP_BACKEND_HISTORY_AFTER: "2d" };
  const readings = shuffled(past.readings());
  const late = readings.splice(readings.length * 0.8);
  const lateEach = Math.ceil(late.length / (2 + again.length));
  await using publisher = await run.servers.openPublisher();
  const publishLate = async () => {
    await publisher.publish(late.splice(0, lateEach));
    // A part of what is rolled up comes again.
    await publisher.publish(readings.slice(0, 500));
  };

  // All of it is stored before any of it can be rolled up.
  await run.demoApp("migrate", "up");
  await using locker = await run.servers.session();
  await locker.client.query("begin; lock table reading_progress in exclusive mode");
  const storing = await run.startBackend();
  await publisher.publish(past.announcements());
  await publisher.publish(readings);
  await run.stores(readings.length);
  await run.endBackend(storing, "SIGKILL");
  await locker.client.query("rollback");

  for (const table of goingOn) await run.killWhileWriting(table, { undone: Math.random() < 0.5 });
  for (let kill = 0; kill < killsUnderWay; kill++) await killOnceChanged(run, rolledHours);
  const first = await run.startBackend();
  await run.rolledUp();
  await publishLate();
  await waitUntil(async () => await run.servers.number(markedHours) > 100 * killsUnderWay, {
    what: "hours to be marked",
  });
  assert.equal((await run.endBackend(first, "SIGTERM")).code, 0);

  for (const table of again) {
    await run.killWhileWriting(table, {
      env: packing,
      undone: Math.random() < 0.5,
      meanwhile: publishLate,
    });
  }
  for (let kill = 0; kill < killsUnderWay; kill++) await killOnceChanged(run, markedHours);
  await run.startBackend(packing);
  await publisher.publish(late);
  await run.stores(devices * turns);
  await run.drained();
  await run.rolledUp();
  await past.writeManifest(run.manifest);
  await run.finish({ readings: devices * turns, rollups: devices * days * bucketsADay });
});

/** Kills a backend once it has done a part of its work. */
async function killOnceChanged(run: FaultRun, query: string): Promise<void> {
  const before = await run.servers.number(query);
  const backend = await run.startBackend();
  await waitUntil(async () => await run.servers.number(query) !== before, {
    what: `another answer than ${before} to ${query}`,
  });
  await run.endBackend(backend, "SIGKILL");
}
