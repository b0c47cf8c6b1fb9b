import assert from "node:assert/strict";
import { FaultRun } from "../support/fault_run.ts";
import { PastRun } from "../support/past_run.ts";
import { waitUntil } from "../support/wait_until.ts";

const devices = 20;
const days = 3;
const turns = days * 1_440;
const readings = devices * turns;
/** In the midst of archiving, and as many in the midst of dropping. */
const kills = 10;
/** Nothing is packed but by hand, so that history is what was packed. */
const keeping = { APP_BACKEND_HISTORY_COMPACTION: "false" };

Deno.test("Nothing is lost when backends are killed while they archive and drop a month", async () => {
  await using run = await FaultRun.open({
    devices,
    perSecond: devices,
    backendEnv: { ...keeping, APP_BACKEND_INGEST_BATCH_SIZE: "1000" },
  });
  // In the midst of a month that is over for long.
  const now = new Date();
  const startUs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 2, 10) * 1_000;
  const past = new PastRun({ devices, startUs, intervalUs: 60_000_000, turns });
  await using publisher = await run.servers.openPublisher();
  const storing = await run.startBackend();
  await publisher.publish(past.announcements());
  await publisher.publish(past.readings());
  await run.stores(readings);
  await run.demoApp("history", "compact", "--history-after=1d");
  await run.rolledUp();
  assert.equal((await run.endBackend(storing, "SIGTERM")).code, 0);

  const dropping = {
    APP_BACKEND_RETENTION_HISTORY: "1d",
    APP_BACKEND_RETENTION_ARCHIVE: run.archive,
  };
  for (let kill = 0; kill < kills; kill++) {
    await killWhileArchiving(run, dropping);
    assert.equal(await run.servers.stored(), readings);
    await run.killWhileWriting("compacted_days", { env: dropping, undone: true });
    assert.equal(await run.servers.stored(), readings);
  }
  const last = await run.startBackend(dropping);
  await waitUntil(async () => await run.servers.stored() === 0, { what: "the month to go" });
  assert.equal((await run.endBackend(last, "SIGTERM")).code, 0);

  const names = Array.from({ length: days }, (_, day) => {
    const ms = startUs / 1_000 + day * 86_400_000;
    return `readings-${new Date(ms).toISOString().slice(0, 10)}.parquet`;
  });
  assert.deepEqual(await run.archiveNames(), names);
  assert.equal(await run.archived(), readings);

  await run.startBackend();
  await run.demoApp("history", "import", ...names.map((name) => `${run.archive}/${name}`));
  await past.writeManifest(run.manifest);
  await run.finish({ readings });
});

type Settings = Readonly<Record<string, string>>;

/** Kills a backend while a file is written, or just after. */
async function killWhileArchiving(run: FaultRun, env: Settings): Promise<void> {
  const before = new Set(await run.archiveNames());
  const backend = await run.startBackend(env);
  await waitUntil(async () => {
    const names = await run.archiveNames();
    return names.some((name) => name.endsWith(".tmp") || !before.has(name)) ||
      // All of the days are archived by now.
      names.length === days && /Found a day archived/.test(backend.output());
  }, { what: "a backend to archive" });
  await run.endBackend(backend, "SIGKILL");
}
