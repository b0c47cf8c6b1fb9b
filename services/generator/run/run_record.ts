import { sleep } from "#shared/lifecycle/sleep.ts";
import { writeManifest } from "./manifest_file.ts";
import type { RunManifest } from "./run_manifest.ts";

export interface RunRecordOptions {
  readonly path: string;
  readonly manifest: RunManifest;
  /** Before which instant every reading due is confirmed; undefined while not known. */
  readonly confirmedUntilUs: () => number | undefined;
  readonly log: { warning(message: string, fields: Record<string, unknown>): void };
}

/** Most of a run without end that is published again after a crash, in milliseconds. */
const noteEveryMs = 5_000;

/**
 * Writes the manifest at the start, and for a run without end how far it is
 * confirmed: every 5 seconds, and when disposed.
 *
 * @throws {ExitError} if the first time fails; later failures are logged.
 */
export async function recordRun(options: RunRecordOptions): Promise<AsyncDisposable> {
  const { path, manifest, confirmedUntilUs, log } = options;
  await writeManifest(path, manifest);
  const stop = new AbortController();
  let noted = manifest.confirmedUntilUs ?? manifest.startUs;
  const note = async () => {
    const until = confirmedUntilUs();
    if (until === undefined || until <= noted) return;
    try {
      await writeManifest(path, { ...manifest, confirmedUntilUs: until });
      noted = until;
    } catch (error) {
      log.warning("Cannot note how far the run is", { error: String(error) });
    }
  };
  const noting = async () => {
    while (!stop.signal.aborted) {
      await note();
      await sleep(noteEveryMs, stop.signal);
    }
    await note();
  };
  const running = manifest.count === undefined ? noting() : undefined;
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}
