import { ExitError } from "#shared/lifecycle/exit_error.ts";
import type { GeneratorConfig } from "../config.ts";
import { modelVersion } from "../fleet/fleet.ts";
import { readManifest } from "./manifest_file.ts";
import type { RunManifest } from "./run_manifest.ts";

/** Which turns a run has, and from where on they are to be published. */
export interface RunPlan {
  readonly manifest: RunManifest;
  /** The first turn that is published is due at this instant or later; undefined is now. */
  readonly fromUs: number | undefined;
}

type RunConfig = Pick<
  GeneratorConfig,
  "seed" | "numDevices" | "intervalMs" | "startUs" | "count" | "manifest"
>;

/** Past it, microseconds are no longer whole numbers. */
const latestUs = Date.UTC(2200, 0) * 1_000;

/**
 * Plans a run from the settings and from what the manifest, if it is there,
 * says of the run so far. A run with a count is published whole each time it
 * is started: what is there already is stored once. One without end goes on
 * where the broker had confirmed it, so that the time in between leaves no gap.
 *
 * @throws {ExitError} if the manifest there is another run's, which is not overwritten.
 */
export async function planRun(config: RunConfig, nowUs: number): Promise<RunPlan> {
  const { startUs, manifest: path } = config;
  const intervalUs = Math.round(config.intervalMs * 1_000);
  const count = config.count === 0 ? undefined : config.count;
  const before = path === undefined ? undefined : await readManifest(path);
  const manifest: RunManifest = {
    model: modelVersion,
    seed: config.seed,
    devices: config.numDevices,
    // Counted from 1970, so that a fleet keeps its rhythm over a restart, and
    // two generators with one seed send the same readings, not twice as many.
    startUs: startUs ?? before?.startUs ?? nowUs - nowUs % intervalUs,
    intervalUs,
    count,
    confirmedUntilUs: count === undefined ? before?.confirmedUntilUs : undefined,
  };
  if (manifest.startUs + intervalUs * (count ?? 0) > latestUs) {
    throw new ExitError("Cannot run: generator.count intervals would end past the year 2199");
  }
  if (before !== undefined) refuseOther(path!, before, manifest);
  if (count !== undefined) return { manifest, fromUs: manifest.startUs };
  if (path !== undefined) {
    return { manifest, fromUs: manifest.confirmedUntilUs ?? manifest.startUs };
  }
  return { manifest, fromUs: startUs };
}

function refuseOther(path: string, before: RunManifest, manifest: RunManifest): void {
  const settings = {
    seed: "seed",
    devices: "num_devices",
    intervalUs: "interval",
    startUs: "start",
    count: "count",
  } as const;
  for (const key of Object.keys(settings) as (keyof typeof settings)[]) {
    if (before[key] === manifest[key]) continue;
    throw new ExitError(
      `Cannot start a run: ${path} is the manifest of another one, with other ` +
        `generator.${settings[key]}; move it away, or set another generator.manifest`,
    );
  }
}
