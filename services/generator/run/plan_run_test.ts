import assert from "node:assert/strict";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { readManifest, writeManifest } from "./manifest_file.ts";
import { planRun } from "./plan_run.ts";
import { recordRun } from "./run_record.ts";

const nowUs = Date.UTC(2026, 0, 31, 12, 0, 3) * 1_000 + 250_000;
const config = {
  seed: 1,
  numDevices: 10,
  intervalMs: 5_000,
  startUs: undefined,
  count: 0,
  manifest: undefined,
};

async function inFolder(test: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/runs/run.yaml`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a run that is not recorded keeps the rhythm that is counted from 1970, and starts now", async () => {
  const { manifest, fromUs } = await planRun(config, nowUs);
  assert.equal(manifest.startUs, Date.UTC(2026, 0, 31, 12) * 1_000);
  assert.equal(fromUs, undefined);
});

Deno.test("a run starts when it is told to, to the microsecond", async () => {
  const { manifest, fromUs } = await planRun({ ...config, startUs: 1_000_001 }, nowUs);
  assert.deepEqual([manifest.startUs, fromUs], [1_000_001, 1_000_001]);
});

Deno.test("a run with a count is published whole each time", async () => {
  await inFolder(async (path) => {
    const wanted = { ...config, count: 3, manifest: path };
    const first = await planRun(wanted, nowUs);
    await using _ = await recordRun({
      path,
      manifest: first.manifest,
      confirmedUntilUs: () => undefined,
      log: { warning() {} },
    });
    // Later, and with no start given: it is the recorded run's.
    assert.deepEqual(await planRun(wanted, nowUs + 60_000_000), first);
    assert.equal(first.fromUs, first.manifest.startUs);
  });
});

Deno.test("a run without end goes on where it was confirmed", async () => {
  await inFolder(async (path) => {
    const wanted = { ...config, manifest: path };
    const first = await planRun(wanted, nowUs);
    assert.equal(first.fromUs, first.manifest.startUs);
    {
      await using _ = await recordRun({
        path,
        manifest: first.manifest,
        confirmedUntilUs: () => nowUs + 7,
        log: { warning() {} },
      });
    }
    const next = await planRun(wanted, nowUs + 600_000_000);
    assert.deepEqual([next.manifest.startUs, next.fromUs], [first.manifest.startUs, nowUs + 7]);
    {
      // Still catching up on nothing: what was noted is not taken back.
      await using _ = await recordRun({
        path,
        manifest: next.manifest,
        confirmedUntilUs: () => first.manifest.startUs,
        log: { warning() {} },
      });
    }
    assert.equal((await readManifest(path))?.confirmedUntilUs, nowUs + 7);
  });
});

Deno.test("the manifest of another run is not overwritten", async () => {
  await inFolder(async (path) => {
    const { manifest } = await planRun(config, nowUs);
    await writeManifest(path, manifest);
    for (
      const [key, changed] of [
        ["seed", { seed: 2 }],
        ["num_devices", { numDevices: 11 }],
        ["interval", { intervalMs: 1 }],
        ["start", { startUs: nowUs }],
        ["count", { count: 1 }],
      ] as const
    ) {
      await assert.rejects(
        planRun({ ...config, manifest: path, ...changed }, nowUs),
        (error) => error instanceof ExitError && error.message.includes(`generator.${key};`),
      );
    }
    assert.deepEqual(await readManifest(path), manifest);
  });
});

Deno.test("a manifest leaves nothing else in its folder, and one that cannot be written is told", async () => {
  await inFolder(async (path) => {
    const { manifest } = await planRun(config, nowUs);
    await writeManifest(path, manifest);
    await writeManifest(path, { ...manifest, seed: 2 });
    const files = await Array.fromAsync(Deno.readDir(path.slice(0, path.lastIndexOf("/"))));
    assert.deepEqual(files.map(({ name }) => name), ["run.yaml"]);
    await assert.rejects(
      writeManifest(`${path}/below`, manifest),
      (error) => error instanceof ExitError && /generator\.manifest/.test(error.message),
    );
  });
});

Deno.test("a run that would end past the year 2199 is refused", async () => {
  await assert.rejects(
    planRun({ ...config, intervalMs: 86_400_000, count: 1_000_000_000 }, nowUs),
    ExitError,
  );
});
