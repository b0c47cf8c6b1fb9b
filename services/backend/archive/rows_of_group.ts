import { measures } from "#shared/telemetry/measures.ts";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { checkDeviceId, checkInstant, checkRange } from "../readings/field_rules.ts";
import type { ReadingRow } from "../readings/reading_row.ts";
import type { RowGroup } from "./row_group.ts";

/**
 * The rows of a group's readings, by tenant.
 *
 * @param nowMs Unix milliseconds
 * @throws {MalformedMessageError} if one of them is out of the contract's ranges.
 */
export function rowsOfGroup(
  { tenantIds, deviceIds, micros, tieBreaks, values }: RowGroup,
  nowMs: number,
): ReadonlyMap<TenantId, readonly ReadingRow[]> {
  const byTenant = new Map<TenantId, ReadingRow[]>();
  deviceIds.forEach((deviceId, at) => {
    if (deviceId !== deviceIds[at - 1]) checkDeviceId(deviceId);
    checkInstant("timestamp", BigInt(Math.floor(micros[at]! / 1_000_000)), nowMs);
    const measured = measures.map(({ column, min, max }, measure) => {
      const value = values[measure]![at]!;
      if (Number.isNaN(value)) return undefined;
      checkRange(column, value, min, max);
      return value;
    });
    byTenant.getOrInsertComputed(tenantIds[at]!, () => [])
      .push({ deviceId, micros: micros[at]!, tieBreak: tieBreaks[at]!, values: measured });
  });
  return byTenant;
}
