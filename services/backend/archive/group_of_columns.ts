import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { ReadingColumns } from "../history/reading_columns.ts";
import { tieBreakAt } from "../history/tie_break_at.ts";
import type { RowGroup } from "./row_group.ts";

/** A device's readings as a file has them. */
export function groupOfColumns(
  tenantId: TenantId,
  deviceId: string,
  columns: ReadingColumns,
): RowGroup {
  const { count, micros, nanos, values } = columns;
  const tieBreaks = new BigInt64Array(count);
  for (let at = 0; at < count; at++) tieBreaks[at] = tieBreakAt(columns, at);
  return {
    tenantIds: new Int32Array(count).fill(tenantId),
    deviceIds: new Array<string>(count).fill(deviceId),
    micros,
    nanos: nanos ?? new Uint16Array(count),
    tieBreaks,
    values,
  };
}
