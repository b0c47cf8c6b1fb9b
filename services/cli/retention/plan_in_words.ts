import { formatDuration } from "#shared/config/duration.ts";
import type { PlannedDrop, RetentionPlan } from "../../backend/retention/plan_retention.ts";
import type { NextDrop } from "../../backend/store/retention/due_parts.ts";
import { formatBytes } from "../output/bytes.ts";
import { tableLines } from "../output/table.ts";

const shape = {
  head: ["KIND", "PARTITION", "DAYS", "COUNT", "BYTES", "STATE"],
  right: new Set([3, 4]),
};

/** Lines that tell what would go, one each; and all of it together. */
export function planLines(
  { drops }: RetentionPlan,
  archive: string | undefined,
): readonly string[] {
  if (drops.length === 0) return ["Nothing is due."];
  const rows = drops.map((drop) => [
    drop.part.kind,
    drop.part.partition.name,
    daysInWords(drop),
    drop.count.toLocaleString("en-US"),
    formatBytes(drop.bytes),
    drop.waits ? "waits for rollups" : "due",
  ]);
  return [...tableLines(shape, rows), "", ...totalLines(drops, archive)];
}

function totalLines(
  drops: readonly PlannedDrop[],
  archive: string | undefined,
): readonly string[] {
  const isReadings = ({ part: { kind } }: PlannedDrop) => kind === "rows" || kind === "history";
  const days = drops.filter(isReadings).flatMap(({ days }) => days);
  const lines = [`All of it: ${totalInWords(drops)}.`];
  if (days.length === 0) return lines;
  return [
    ...lines,
    archive === undefined
      ? "Readings are not archived: backend.retention.archive names no directory."
      : `Readings of ${days.length} days are archived before, as ${archive}/readings-${
        days[0]
      }.parquet.`,
  ];
}

/** Such as `2 partitions, 90 readings, 1.2 MB`. */
export function totalInWords(drops: readonly PlannedDrop[]): string {
  const sum = (value: (drop: PlannedDrop) => number) =>
    drops.reduce((sum, drop) => sum + value(drop), 0);
  const readings = sum(({ part: { kind }, count }) =>
    kind === "rows" || kind === "history" ? count : 0
  );
  const partitions = sum(({ part }) => part.rowsBeforeMicros === undefined ? 1 : 0);
  const bytes = formatBytes(sum(({ bytes }) => bytes));
  return `${partitions} ${partitions === 1 ? "partition" : "partitions"}, ` +
    `${readings.toLocaleString("en-US")} readings, ${bytes}`;
}

function daysInWords({ part, days }: PlannedDrop): string {
  const [first, last] = [days[0], days.at(-1)];
  const words = first === last ? first ?? "none" : `${first} to ${last}`;
  return part.rowsBeforeMicros === undefined ? words : `${words}, late`;
}

/** When something goes next, and what. */
export function nextInWords(next: NextDrop | undefined, nowMs: number): string {
  if (next === undefined) return "Nothing that is there will ever be due.";
  const { part: { partition: { name }, bytes }, atMs } = next;
  return `Next is ${name} at ${new Date(atMs).toISOString()}, in ` +
    `${formatDuration(atMs - nowMs, 2)}: ${formatBytes(bytes)}.`;
}
