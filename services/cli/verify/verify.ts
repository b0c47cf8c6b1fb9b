import process from "node:process";
import { defineCommand } from "#shared/command/define_command.ts";
import { showProgress } from "#shared/command/progress.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { ConfigError } from "#shared/config/config_error.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import type { ConfigOf } from "#shared/config/setting.ts";
import {
  filePath,
  instant,
  oneOf,
  secretUrl,
  text,
  wholeNumber,
} from "#shared/config/setting_kinds.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { aboveStatusLine } from "#shared/output/status_line.ts";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { backendSettings, databaseSettings } from "../../backend/config.ts";
import { openDatabase } from "../../backend/store/connection/open_database.ts";
import { waitForDatabase } from "../../backend/store/connection/wait_for_database.ts";
import { sqlState } from "../../backend/store/connection/write_failure.ts";
import { readManifest } from "../../generator/run/manifest_file.ts";
import type { RunManifest } from "../../generator/run/run_manifest.ts";
import { queueDepths } from "./queue_depths.ts";
import { badRollups, isWhole, type RunCounts } from "./run_counts.ts";
import { type Example, jsonFormat, type RollupExample, tableFormat } from "./verify_report.ts";
import { readingsOf, verifyRun } from "./verify_run.ts";

export const verifySettings = {
  log: logSettings,
  verify: {
    manifest: filePath({
      doc: "the run's manifest, which generator.manifest had written",
      default: undefined,
    }),
    until: instant({
      doc: "look only at readings due before this; unless given, all that the manifest speaks for",
      default: undefined,
    }),
    per_device: oneOf(["false", "true", "all"], {
      doc: "print each device with a difference, or all",
      default: "false",
    }),
    examples: wholeNumber({
      doc: "readings of each difference to show, at most",
      default: 3,
      min: 0,
      max: 1_000,
    }),
    foreign: oneOf(["fail", "count"], {
      doc: "readings of other devices within the run's time: fail if there is any, or only count " +
        "them, where others write to the database as well",
      default: "fail",
    }),
    format: oneOf(["table", "json"], {
      doc: "for people, or a JSON object a line",
      default: "table",
    }),
  },
  backend: {
    db: databaseSettings,
    rabbitmq: {
      url: secretUrl(["amqp:", "amqps:"], {
        doc: "broker to ask what waits in its queues; unless given, none is asked",
        default: undefined,
      }),
      sensor_queue: text({ doc: "queue of readings", default: "sensor-data" }),
      device_queue: text({ doc: "queue of devices", default: "device-data" }),
    },
  },
};

export type VerifyConfig = ConfigOf<typeof verifySettings>;

/**
 * Prints how the database differs from what a run of the generator published.
 *
 * @throws {ConfigError} if the manifest, with the settings, does not say what to expect.
 * @throws {ExitError} if there is a difference, or it can't be told.
 */
export async function runVerify(
  { verify, backend }: VerifyConfig,
  { log, signal, terminal }: RunContext,
  print: (text: string) => void,
): Promise<void> {
  const manifest = await manifestOf(verify.manifest);
  const untilUs = endOf(manifest, verify);
  const format = verify.format === "json" ? jsonFormat : tableFormat;
  const examples: Example[] = [];
  const rollupExamples: RollupExample[] = [];
  const shown = new Map<string, number>();
  const startedMs = performance.now();
  try {
    await using database = await openDatabase(backend.db, log);
    await waitForDatabase(() => database.answers(), backend.db, log, signal);
    const total = readingsOf(manifest, untilUs);
    let compared = 0;
    using progress = new DisposableStack();
    if (total > 0) {
      const title = "Comparing readings";
      progress.use(showProgress({ title, total, done: () => compared, terminal, log }));
    }
    const counts = await verifyRun({
      db: database.db,
      tenantId: defaultTenant,
      manifest,
      untilUs,
      signal,
      maxExamples: verify.examples,
      onProgress: (readings) => compared += readings,
      onDifference(deviceId, found) {
        const before = shown.get(found.difference) ?? 0;
        if (before >= verify.examples) return;
        shown.set(found.difference, before + 1);
        examples.push({ deviceId, ...found });
      },
      onRollupDifference(deviceId, found) {
        if (rollupExamples.length < verify.examples) rollupExamples.push({ deviceId, ...found });
      },
      onDevice(deviceId, counts) {
        if (verify.perDevice === "all" || (verify.perDevice === "true" && !isWhole(counts))) {
          print(format.device(deviceId, counts));
        }
      },
    });
    progress.dispose();
    const seconds = (performance.now() - startedMs) / 1_000;
    const { url, sensorQueue, deviceQueue } = backend.rabbitmq;
    const queues = url === undefined
      ? undefined
      : await queueDepths(url, [sensorQueue, deviceQueue], log);
    const whole = isWhole(counts) && (verify.foreign === "count" || counts.foreign.readings === 0);
    const found = { counts, whole, queues, examples, rollupExamples, seconds };
    print(format.summary({ manifest, untilUs, ...found }));
    if (!whole) throw new ExitError(verdict(counts));
  } catch (error) {
    // A stop is a good end of a service, and no proof of anything.
    if (signal.aborted) throw new ExitError("Cannot verify: stopped before the end");
    if (sqlState(error) === "42P01") {
      const message = "Cannot verify: the database has no table of readings; is it the backend's?";
      throw new ExitError(message, { cause: error });
    }
    throw error;
  }
}

function verdict({ readings, rollups, foreign }: RunCounts): string {
  const { missing, doubled, altered, unexpected, parked } = readings;
  return `The run is not whole: ${missing} missing, ${doubled} doubled, ${altered} altered, ` +
    `${unexpected} unexpected, ${parked} parked, ${foreign.readings} of other devices, ` +
    `${badRollups(rollups)} rollups wrong`;
}

async function manifestOf(path: string | undefined): Promise<RunManifest> {
  if (path === undefined) throw badManifest(undefined, "set it to the file of the run to verify");
  const manifest = await readManifest(path);
  if (manifest === undefined) throw badManifest(path, "there is no such file");
  return manifest;
}

/** The instant before which every turn of the run is expected. */
function endOf(manifest: RunManifest, verify: VerifyConfig["verify"]): number {
  const { startUs, intervalUs, count, confirmedUntilUs } = manifest;
  const end = count === undefined ? confirmedUntilUs : startUs + count * intervalUs;
  const until = count === undefined ? verify.untilUs : Math.min(end!, verify.untilUs ?? Infinity);
  const known = until ?? end;
  if (known === undefined) {
    throw badManifest(
      verify.manifest,
      "the run has no count, and the generator has not noted yet how far it came; set verify.until",
    );
  }
  return known;
}

function badManifest(path: string | undefined, problem: string): ConfigError {
  return new ConfigError("verify", [{
    key: "verify.manifest",
    value: path,
    problem,
  }]);
}

function printAbove(text: string): void {
  aboveStatusLine(() => process.stdout.write(text));
}

export const verifyCommand = defineCommand({
  name: "verify",
  task: true,
  summary: "Compares the database, reading by reading, with what a run of the generator published.",
  sections: verifySettings,
  unused: backendSettings,
  run: (config, context) => runVerify(config, context, printAbove),
});
