import { formatInstant } from "#shared/config/rfc3339.ts";
import { type MeasuredValues, measures } from "#shared/telemetry/measures.ts";
import type { RunManifest } from "../../generator/run/run_manifest.ts";
import { printable } from "../output/printable.ts";
import type { Difference, Found } from "./device_comparison.ts";
import type { QueueDepth } from "./queue_depths.ts";
import type { FoundRollup } from "./rollup_comparison.ts";
import { badRollups, type DeviceCounts, type RunCounts } from "./run_counts.ts";

export interface Example extends Found {
  readonly deviceId: string;
}

export interface RollupExample extends FoundRollup {
  readonly deviceId: string;
}

export interface Verification {
  readonly manifest: RunManifest;
  readonly untilUs: number;
  readonly counts: RunCounts;
  readonly whole: boolean;
  /** Undefined if no broker was asked. */
  readonly queues: readonly QueueDepth[] | undefined;
  readonly examples: readonly Example[];
  readonly rollupExamples: readonly RollupExample[];
  readonly seconds: number;
}

/** How a verification is printed: each device as it comes, and the whole at the end. */
export interface ReportFormat {
  readonly device: (deviceId: string, counts: DeviceCounts) => string;
  readonly summary: (verification: Verification) => string;
}

const differences: readonly Difference[] = [
  "missing",
  "doubled",
  "altered",
  "unexpected",
  "parked",
];

const meanings: Readonly<Record<Difference, string>> = {
  missing: "published, and neither stored nor parked",
  doubled: "stored once more than they should be",
  altered: "stored with other values",
  unexpected: "stored within the run's time, and not of the run",
  parked: "parked: their device is not known",
};

const spans = { rollups_minute: "minute", rollups_hour: "hour", rollups_day: "day" } as const;

const grouped = new Intl.NumberFormat("en-US");

export const tableFormat: ReportFormat = {
  device(deviceId, { readings, rollups }) {
    const parts = differences.filter((name) => readings[name] > 0)
      .map((name) => `${grouped.format(readings[name])} ${name}`);
    if (readings.dropped > 0) parts.push(`${grouped.format(readings.dropped)} dropped`);
    const bad = badRollups(rollups);
    if (bad > 0) parts.push(`${grouped.format(bad)} rollups wrong`);
    const found = parts.length === 0 ? "whole" : parts.join(", ");
    return `${deviceId}  ${grouped.format(readings.matched)} of ${
      grouped.format(readings.expected)
    } stored: ${found}\n`;
  },
  summary({ manifest, untilUs, counts, whole, queues, examples, rollupExamples, seconds }) {
    const { readings, rollups, foreign } = counts;
    const lines = [
      `Run of ${grouped.format(manifest.devices)} devices, seed ${manifest.seed}`,
      `from ${formatInstant(manifest.startUs)} until ${formatInstant(untilUs)}`,
      "",
      row(readings.expected, "published", ""),
      row(readings.matched, "stored", "as they were published"),
      ...differences.map((name) => row(readings[name], name, meanings[name])),
      row(readings.dropped, "dropped", "gone by retention; rollups are what tells of them"),
      row(foreign.readings, "foreign", "within the run's time, of devices that are not of the run"),
      "",
      row(rollups.matched, "rolled up", "minutes, hours and days, as the readings come to"),
      row(badRollups(rollups), "wrong", "rollups that are missing, or tell something else"),
      "",
      row(counts.outside, "outside", "of these devices, before or after the run"),
      row(counts.parkedInAll - readings.parked, "parked", "of other devices, or another time"),
    ];
    for (const { queue, messages } of queues ?? []) {
      if (messages === undefined) lines.push(`  ${"none".padStart(14)}  ${queue}: no such queue`);
      else lines.push(row(messages, "waiting", `in ${queue}`));
    }
    if (examples.length > 0) lines.push("", "The first of each:");
    for (const { difference, deviceId, micros, expected, found } of examples) {
      lines.push(`  ${difference.padEnd(10)}  ${deviceId}  ${formatInstant(micros)}`);
      if (expected !== undefined) lines.push(`      published  ${measuredText(expected)}`);
      if (found !== undefined) lines.push(`      found      ${measuredText(found)}`);
    }
    if (rollupExamples.length > 0) lines.push("", "The first rollups:");
    for (const { difference, table, deviceId, startMicros, detail } of rollupExamples) {
      const when = `${spans[table]} of ${formatInstant(startMicros)}`;
      lines.push(`  ${difference.padEnd(10)}  ${deviceId}  ${when}`);
      if (detail === undefined) continue;
      const { column, expected, found } = detail;
      lines.push(`      published  ${column} ${expected}`, `      found      ${column} ${found}`);
    }
    if (foreign.examples.length > 0) lines.push("", "Of other devices:");
    for (const { deviceId, readings } of foreign.examples) {
      lines.push(`  ${grouped.format(readings).padStart(14)}  ${printable(deviceId)}`);
    }
    const rate = Math.round(readings.expected / seconds);
    const verdict = !whole
      ? "Not whole: see above."
      : readings.dropped === 0
      ? "Whole: every reading is stored once, as it was published."
      : "Whole: every reading that was not dropped is stored once, as it was published.";
    lines.push("", `${verdict} ${seconds.toFixed(1)} s, ${grouped.format(rate)} readings/s`);
    return `${lines.join("\n")}\n`;
  },
};

/** One JSON object a line: the devices asked for, then the whole, which has the key `whole`. */
export const jsonFormat: ReportFormat = {
  device: (deviceId, { readings, rollups }) =>
    `${JSON.stringify({ device_id: deviceId, ...readings, rollups })}\n`,
  summary({ manifest, untilUs, counts, whole, queues, examples, rollupExamples, seconds }) {
    const { readings, rollups, outside, foreign, parkedInAll } = counts;
    const summary = {
      whole,
      run: {
        seed: manifest.seed,
        devices: manifest.devices,
        start: formatInstant(manifest.startUs),
        until: formatInstant(untilUs),
        interval_us: manifest.intervalUs,
      },
      readings,
      rollups,
      outside,
      foreign: {
        readings: foreign.readings,
        examples: foreign.examples.map(({ deviceId, readings }) => ({
          device_id: deviceId,
          readings,
        })),
      },
      parked_in_all: parkedInAll,
      queues: queues === undefined
        ? null
        : Object.fromEntries(queues.map(({ queue, messages }) => [queue, messages ?? null])),
      examples: examples.map(({ difference, deviceId, micros, expected, found }) => ({
        difference,
        device_id: deviceId,
        instant: formatInstant(micros),
        expected: expected === undefined ? null : plain(expected),
        found: found === undefined ? null : plain(found),
      })),
      rollup_examples: rollupExamples.map((
        { difference, table, deviceId, startMicros, detail },
      ) => ({
        difference,
        device_id: deviceId,
        [spans[table]]: formatInstant(startMicros),
        ...detail,
      })),
      seconds,
    };
    return `${JSON.stringify(summary)}\n`;
  },
};

function row(count: number, name: string, meaning: string): string {
  return `  ${grouped.format(count).padStart(14)}  ${name.padEnd(10)}  ${meaning}`.trimEnd();
}

function measuredText(values: Readonly<MeasuredValues>): string {
  return measures.flatMap(({ label, unit }, at) => {
    const value = values[at];
    return value === undefined ? [] : [`${label.toLowerCase()} ${value} ${unit}`];
  }).join("  ");
}

function plain(values: Readonly<MeasuredValues>): Readonly<Record<string, number>> {
  return Object.fromEntries(measures.flatMap(({ column }, at) => {
    const value = values[at];
    return value === undefined ? [] : [[column, value]];
  }));
}
