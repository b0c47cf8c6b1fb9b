import assert from "node:assert/strict";
import { FaultRun } from "../support/fault_run.ts";
import { keepingRows, packedMonth } from "../support/packed_month.ts";
import { waitUntil } from "../support/wait_until.ts";

const devices = 20;
const days = 3;
const readings = devices * days * 1_440;
/** In the midst of archiving, and as many in the midst of dropping. */
const kills = 10;

Deno.test("Nothing is lost when backends are killed while they archive and drop a month", async () => {
  await using run = await FaultRun.open({
    devices,
    perSecond: devices,
    backendEnv: keepingRows,
  });
  const past = await packedMonth(run, { devices, days });

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
    const ms = past.startUs / 1_000 + day * 86_400_000;
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
