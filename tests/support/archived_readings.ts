import type { RowGroup } from "../../services/backend/archive/row_group.ts";

/** A reading of a file, one of a `RowGroup`. */
export interface ArchivedReading {
  readonly tenantId: number;
  readonly deviceId: string;
  /** Unix microseconds. */
  readonly micros: number;
  readonly nanos: number;
  readonly tieBreak: bigint;
  /** NaN where a measure is not set. */
  readonly values: readonly number[];
}

export const archivedDay = "2026-11-18";
export const archivedDayMicros = Date.UTC(2026, 10, 18) * 1_000;

/** Unlike for each index, of four measures. */
export function archivedReading(index: number): ArchivedReading {
  return {
    tenantId: index % 2,
    deviceId: `device-${index % 3}`,
    micros: archivedDayMicros + 1_000_000 * index,
    nanos: index % 1_000,
    tieBreak: BigInt(index) << 20n,
    values: [20 + index / 100, 50, 1_000 - index / 10, 90],
  };
}

export function archivedReadings(count: number): ArchivedReading[] {
  return Array.from({ length: count }, (_, index) => archivedReading(index));
}

export function rowGroup(readings: readonly ArchivedReading[]): RowGroup {
  const [first] = readings;
  return {
    tenantIds: Int32Array.from(readings, ({ tenantId }) => tenantId),
    deviceIds: readings.map(({ deviceId }) => deviceId),
    micros: Float64Array.from(readings, ({ micros }) => micros),
    nanos: Uint16Array.from(readings, ({ nanos }) => nanos),
    tieBreaks: BigInt64Array.from(readings, ({ tieBreak }) => tieBreak),
    values: (first?.values ?? []).map((_, measure) =>
      Float64Array.from(readings, ({ values }) => values[measure]!)
    ),
  };
}

/** As a database would give them. */
export async function* rowGroups(
  ...groups: readonly (readonly ArchivedReading[])[]
): AsyncGenerator<RowGroup, void, undefined> {
  for (const readings of groups) yield rowGroup(readings);
}

export async function readingsOf(
  groups: AsyncIterable<RowGroup>,
): Promise<ArchivedReading[]> {
  const readings: ArchivedReading[] = [];
  for await (const { tenantIds, deviceIds, micros, nanos, tieBreaks, values } of groups) {
    deviceIds.forEach((deviceId, at) =>
      readings.push({
        tenantId: tenantIds[at]!,
        deviceId,
        micros: micros[at]!,
        nanos: nanos[at]!,
        tieBreak: tieBreaks[at]!,
        values: values.map((column) => column[at]!),
      })
    );
  }
  return readings;
}
