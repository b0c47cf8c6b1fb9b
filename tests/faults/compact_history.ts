import assert from "node:assert/strict";
import { FaultRun } from "../support/fault_run.ts";
import { PastRun } from "../support/past_run.ts";
import { shuffled } from "../support/shuffled.ts";

const devices = 40;
const days = 4;
const intervalUs = 60_000_000;
const turns = days * 1_440;
const dayMs = 86_400_000;
/** What a backend writes in packing, one table after the other, and is killed in. */
const killedIn = ["staged_history", "compactions", "compacted_days", "sensor_history"];
const kills = 12;
const packing = { APP_BACKEND_HISTORY_AFTER: "1d" };

Deno.test("Nothing is lost or doubled when backends are killed while they pack history", async () => {
  await using run = await FaultRun.open({
    devices,
    perSecond: devices,
    backendEnv: { APP_BACKEND_INGEST_BATCH_SIZE: "1000" },
  });
  // Of the days before yesterday, so that all of them are to be packed.
  const startUs = (Math.floor(Date.now() / dayMs) - days - 1) * dayMs * 1_000;
  const past = new PastRun({ devices, startUs, intervalUs, turns });
  const readings = shuffled(past.readings());
  const late = readings.splice(readings.length * 0.7);
  await using publisher = await run.servers.openPublisher();
  const asRows = await run.startBackend({ APP_BACKEND_HISTORY_COMPACTION: "false" });
  await publisher.publish(past.announcements());
  await publisher.publish(readings);
  await run.stores(readings.length);
  assert.equal((await run.endBackend(asRows, "SIGTERM")).code, 0);

  const lateEach = Math.ceil(late.length / kills);
  for (let kill = 0; kill < kills; kill++) {
    await run.killWhileWriting(killedIn[kill % killedIn.length]!, {
      env: packing,
      undone: Math.random() < 0.5,
      async meanwhile() {
        await publisher.publish(late.splice(0, lateEach));
        // A part of what is packed comes again.
        await publisher.publish(readings.slice(kill * 500, kill * 500 + 200));
      },
    });
  }
  await run.startBackend(packing);
  await run.stores(devices * turns);
  await run.drained();
  // As an operator would have it done at once.
  await run.demoApp("history", "compact", "--history-after=1d");
  for (const table of ["closed_readings", "staged_history", "compactions", "sensor_readings"]) {
    assert.equal(await run.servers.number(`select count(*) from ${table}`), 0, table);
  }
  await past.writeManifest(run.manifest);
  await run.finish({ readings: devices * turns });
});
