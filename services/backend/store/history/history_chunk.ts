import type { TenantId } from "#shared/telemetry/tenant.ts";
import { packReadings } from "../../history/pack_readings.ts";
import type { ReadingColumns } from "../../history/reading_columns.ts";
import { splitReadings } from "../../history/split_readings.ts";
import { dayOf } from "../partitions/days.ts";

/** A row of history: readings of one device and one day (UTC), packed. */
export interface HistoryChunk {
  readonly tenantId: TenantId;
  readonly deviceId: string;
  /** The instants of its first reading and of its last, in Unix microseconds. */
  readonly firstMicros: number;
  readonly lastMicros: number;
  readonly readings: number;
  readonly packed: Uint8Array;
}

/** Readings of a device as rows of history. */
export function chunksOf(
  tenantId: TenantId,
  deviceId: string,
  columns: ReadingColumns,
): readonly HistoryChunk[] {
  return splitDays(columns).flatMap(([start, end]) => {
    const micros = columns.micros.subarray(start, end);
    return splitReadings({ count: end - start, micros }).map(([from, until]) => ({
      tenantId,
      deviceId,
      firstMicros: micros[from]!,
      lastMicros: micros[until - 1]!,
      readings: until - from,
      packed: packReadings(columns, start + from, start + until),
    }));
  });
}

/** The days that the readings are of, as the places [from, until) of each day's. */
function splitDays(
  { count, micros }: ReadingColumns,
): readonly (readonly [from: number, until: number])[] {
  const days: (readonly [number, number])[] = [];
  for (let from = 0; from < count;) {
    const day = dayOf(micros[from]!);
    let until = from + 1;
    while (until < count && dayOf(micros[until]!) === day) until++;
    days.push([from, until]);
    from = until;
  }
  return days;
}
