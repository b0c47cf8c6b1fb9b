import type { Kysely } from "kysely";
import type { Database } from "../database.ts";
import { hourMicros } from "./rollup_levels.ts";
import { rollSpan } from "./roll_span.ts";
import type { RollupProgress } from "./rollup_progress.ts";
import { type DeviceHour, takeMarks } from "./take_marks.ts";
import type { DeviceSpan } from "./write_buckets.ts";

/** Rolls up hours again that are marked, from after `after` if given; in a transaction. */
export async function rollMarks(
  transaction: Kysely<Database>,
  { after, limit, progress }: {
    readonly after: DeviceHour | undefined;
    readonly limit: number;
    readonly progress: RollupProgress;
  },
): Promise<readonly DeviceHour[]> {
  const untilMicros = progress.rolledUntilMicros;
  const taken = await takeMarks(transaction, { after, untilMicros, limit });
  for (const span of spansOf(taken)) await rollSpan(transaction, span, progress, { again: true });
  return taken;
}

/**
 * The hours as few spans: those that follow on each other together, and devices
 * that have the same ones.
 *
 * @param hours In the order of device and time.
 */
export function spansOf(hours: readonly DeviceHour[]): readonly DeviceSpan[] {
  const spans: { tenantId: number; deviceId: string; fromMicros: number; untilMicros: number }[] =
    [];
  for (const { tenantId, deviceId, hourMicros: fromMicros } of hours) {
    const last = spans.at(-1);
    const goesOn = last?.tenantId === tenantId && last.deviceId === deviceId &&
      last.untilMicros === fromMicros;
    if (goesOn) last.untilMicros += hourMicros;
    else spans.push({ tenantId, deviceId, fromMicros, untilMicros: fromMicros + hourMicros });
  }
  const alike = Map.groupBy(
    spans,
    ({ tenantId, fromMicros, untilMicros }) => `${tenantId} ${fromMicros} ${untilMicros}`,
  );
  return [...alike.values()].map((spans) => {
    const { tenantId, fromMicros, untilMicros } = spans[0]!;
    const deviceIds = spans.map(({ deviceId }) => deviceId);
    return { tenantId, deviceIds, fromMicros, untilMicros };
  });
}
