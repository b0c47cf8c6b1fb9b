import type { RowGroup } from "./row_group.ts";

/** The same readings in the same order, in groups of so many each; the last may be smaller. */
export async function* resizedGroups(
  groups: AsyncIterable<RowGroup>,
  readings: number,
): AsyncGenerator<RowGroup, void, undefined> {
  let parts: RowGroup[] = [];
  let gathered = 0;
  for await (const group of groups) {
    const { length } = group.deviceIds;
    for (let from = 0; from < length;) {
      const to = Math.min(length, from + readings - gathered);
      parts.push(partOf(group, from, to));
      gathered += to - from;
      from = to;
      if (gathered === readings) {
        yield joined(parts);
        parts = [];
        gathered = 0;
      }
    }
  }
  if (gathered > 0) yield joined(parts);
}

function partOf(group: RowGroup, from: number, to: number): RowGroup {
  return {
    tenantIds: group.tenantIds.subarray(from, to),
    deviceIds: group.deviceIds.slice(from, to),
    micros: group.micros.subarray(from, to),
    nanos: group.nanos.subarray(from, to),
    tieBreaks: group.tieBreaks.subarray(from, to),
    values: group.values.map((column) => column.subarray(from, to)),
  };
}

function joined(parts: readonly RowGroup[]): RowGroup {
  const [first] = parts;
  if (parts.length === 1) return first!;
  const length = parts.reduce((sum, { deviceIds }) => sum + deviceIds.length, 0);
  return {
    tenantIds: fill(new Int32Array(length), parts.map(({ tenantIds }) => tenantIds)),
    deviceIds: parts.flatMap(({ deviceIds }) => deviceIds),
    micros: fill(new Float64Array(length), parts.map(({ micros }) => micros)),
    nanos: fill(new Uint16Array(length), parts.map(({ nanos }) => nanos)),
    tieBreaks: fill(new BigInt64Array(length), parts.map(({ tieBreaks }) => tieBreaks)),
    values: first!.values.map((_, measure) =>
      fill(new Float64Array(length), parts.map(({ values }) => values[measure]!))
    ),
  };
}

interface Fillable<Part> {
  set(part: Part, at: number): void;
}

function fill<Part extends { readonly length: number }, Column extends Fillable<Part>>(
  column: Column,
  parts: readonly Part[],
): Column {
  let at = 0;
  for (const part of parts) {
    column.set(part, at);
    at += part.length;
  }
  return column;
}
