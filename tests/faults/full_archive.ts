import assert from "node:assert/strict";
import { FaultRun } from "../support/fault_run.ts";
import { keepingRows, packedMonth } from "../support/packed_month.ts";
import { mayMount, SmallDisk } from "../support/small_disk.ts";
import type { TaskProcess } from "../support/task_process.ts";
import { waitUntil } from "../support/wait_until.ts";

const devices = 20;
const days = 3;
const ofMonth = devices * days * 1_440;
/** Of which a file takes several. */
const stepBytes = 131_072;
/** Of the generator's readings, while the disk is full. */
const readingsBetween = 60;
const packed = "select coalesce(sum(readings), 0) from sensor_history";

Deno.test("Nothing is lost, and all else goes on, when the archive's disk is full", async () => {
  assert(await mayMount(), "A disk of its own takes Linux, and to be root");
  await using run = await FaultRun.open({
    devices,
    perSecond: 60,
    backendEnv: keepingRows,
  });
  const past = await packedMonth(run, { devices, days, seed: 8 });

  await Deno.mkdir(run.archive);
  await using disk = await SmallDisk.mount(run.archive, stepBytes);
  const archiving = {
    APP_BACKEND_RETENTION_HISTORY: "1d",
    APP_BACKEND_RETENTION_ARCHIVE: run.archive,
  };
  run.startGenerator();
  let failures = 0;
  for (let bytes = stepBytes;; bytes += stepBytes) {
    await disk.resize(bytes);
    const backend = await run.startBackend(archiving);
    if (await dropsMonth(backend, run)) break;
    failures++;
    await run.flows(readingsBetween);
    assert.equal(await run.servers.number(packed), ofMonth);
    // Whole ones alone: reading one tells.
    const names = await run.archiveNames();
    assert(names.every((name) => name.endsWith(".parquet")), names.join());
    assert(names.length < days && await run.archived() === names.length * ofMonth / days);
    assert.equal((await run.endBackend(backend, "SIGTERM")).code, 0);
  }
  // Within the first file, and within each other one.
  assert(failures > days, `Only ${failures} turns had too little room`);
  assert.equal(await run.servers.number(packed), 0);
  assert.equal(await run.archived(), ofMonth);

  await run.flows(readingsBetween);
  const files = (await run.archiveNames()).map((name) => `${run.archive}/${name}`);
  for (const backend of [...run.backends]) await run.endBackend(backend, "SIGTERM");
  await run.startBackend();
  await run.demoApp("history", "import", ...files);
  const manifest = `${run.manifest}.month`;
  await past.writeManifest(manifest);
  await run.demoApp("verify", `--manifest=${manifest}`);
  await run.finish({ readings: failures * readingsBetween });
});

/** Whether the month goes; else the backend has said why it cannot, and what to do. */
async function dropsMonth(backend: TaskProcess, run: FaultRun): Promise<boolean> {
  const refusal = new RegExp(
    `Cannot archive \\d{4}-\\d{2}-\\d{2} in ${run.archive}: No space left on device.*; make room`,
  );
  let drops = false;
  await waitUntil(() => {
    drops = /Dropped a partition/.test(backend.output());
    return Promise.resolve(drops || refusal.test(backend.output()));
  }, { what: "a backend to drop the month, or to refuse to" });
  return drops;
}
