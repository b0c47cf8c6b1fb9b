import { formatInstant } from "#shared/config/rfc3339.ts";
import { type MeasuredValues, measures } from "#shared/telemetry/measures.ts";
import type { RunManifest } from "../../generator/run/run_manifest.ts";
import { printable } from "../output/printable.ts";
import type { Difference, Found } from "./device_comparison.ts";
import type { QueueDepth } from "./queue_depths.ts";
import type { ReadingCounts, RunCounts } from "./run_counts.ts";

export interface Example extends Found {
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
  readonly seconds: number;
}

/** How a verification is printed: each device as it comes, and the whole at the end. */
export interface ReportFormat {
  readonly device: (deviceId: string, counts: Readonly<ReadingCounts>) => string;
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

const grouped = new Intl.NumberFormat("en-US");

export const tableFormat: ReportFormat = {
  device(deviceId, counts) {
    const parts = differences.filter((name) => counts[name] > 0)
      .map((name) => `${grouped.format(counts[name])} ${name}`);
    const found = parts.length === 0 ? "whole" : parts.join(", ");
    return `${deviceId}  ${grouped.format(counts.matched)} of ${
      grouped.format(counts.expected)
    } stored: ${found}\n`;
  },
  summary({ manifest, untilUs, counts, whole, queues, examples, seconds }) {
    const { foreign } = counts;
    const lines = [
      `Run of ${grouped.format(manifest.devices)} devices, seed ${manifest.seed}`,
      `from ${formatInstant(manifest.startUs)} until ${formatInstant(untilUs)}`,
      "",
      row(counts.expected, "published", ""),
      row(counts.matched, "stored", "as they were published"),
      ...differences.map((name) => row(counts[name], name, meanings[name])),
      row(foreign.readings, "foreign", "within the run's time, of devices that are not of the run"),
      "",
      row(counts.outside, "outside", "of these devices, before or after the run"),
      row(counts.parkedInAll - counts.parked, "parked", "of other devices, or another time"),
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
    if (foreign.examples.length > 0) lines.push("", "Of other devices:");
    for (const { deviceId, readings } of foreign.examples) {
      lines.push(`  ${grouped.format(readings).padStart(14)}  ${printable(deviceId)}`);
    }
    const rate = Math.round(counts.expected / seconds);
    const verdict = whole
      ? "Whole: every reading is stored once, as it was published."
      : "Not whole: see above.";
    lines.push("", `${verdict} ${seconds.toFixed(1)} s, ${grouped.format(rate)} readings/s`);
    return `${lines.join("\n")}\n`;
  },
};

/** One JSON object a line: the devices asked for, then the whole, which has the key `whole`. */
export const jsonFormat: ReportFormat = {
  device: (deviceId, counts) => `${JSON.stringify({ device_id: deviceId, ...counts })}\n`,
  summary({ manifest, untilUs, counts, whole, queues, examples, seconds }) {
    const { outside, foreign, parkedInAll, ...readings } = counts;
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
