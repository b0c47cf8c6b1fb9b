import type { Kysely } from "kysely";
import { formatDuration } from "#shared/config/duration.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { readDayFile } from "../../backend/archive/read_day_file.ts";
import type { RowGroup } from "../../backend/archive/row_group.ts";
import { rowsOfGroup } from "../../backend/archive/rows_of_group.ts";
import { UnreadableFileError } from "../../backend/archive/unreadable_file_error.ts";
import { MalformedMessageError } from "../../backend/readings/malformed_message_error.ts";
import type { ReadingRow } from "../../backend/readings/reading_row.ts";
import type { Database } from "../../backend/store/database.ts";
import type { LaggingDevices } from "../../backend/store/devices/lagging_devices.ts";
import { isoDay } from "../../backend/store/partitions/days.ts";
import { KnownDevices } from "../../backend/store/readings/known_devices.ts";
import { writeReadings } from "../../backend/store/readings/write_readings.ts";
import { droppedAtOnce } from "../../backend/store/retention/dropped_at_once.ts";
import type { ReadingsPolicy } from "../../backend/store/retention/retention_policy.ts";

/** Readings a write: those who store late ones wait for each other's days to be packed. */
const batchRows = 1_000;

export interface ImportOptions extends Pick<RunContext, "signal"> {
  readonly db: Kysely<Database>;
  readonly lagging: LaggingDevices;
  readonly policy: ReadingsPolicy;
  /** Unix milliseconds. */
  readonly nowMs: number;
  /** By tenant: devices that are registered, which is found out once. */
  readonly known: Map<TenantId, KnownDevices>;
}

/** What became of a file's readings. */
export interface Imported {
  stored: number;
  parked: number;
  /** All of them, those included that were there. */
  readings: number;
}

/**
 * Stores the readings of a file as if they had come late, and counts as it goes.
 *
 * @throws {ExitError} if it is no such file, or has readings that would be refused, or
 *   dropped at once; those before them are stored.
 */
export async function importFile(
  path: string,
  imported: Imported,
  options: ImportOptions,
): Promise<void> {
  try {
    for await (const group of readDayFile(path)) {
      refuseDropped(path, group, options);
      for (const [tenantId, rows] of rowsOfGroup(group, options.nowMs)) {
        await refuseStranger(path, tenantId, options.db);
        await importRows(tenantId, rows, imported, options);
      }
    }
  } catch (error) {
    throw error instanceof Error && isOfFile(error, path)
      ? new ExitError(`Cannot import ${path}: ${error.message}`, { cause: error })
      : error;
  }
}

/** Whether it is the file's fault, or what is in it, or that it is not there. */
function isOfFile(error: Error, path: string): boolean {
  return error instanceof UnreadableFileError || error instanceof MalformedMessageError ||
    "path" in error && error.path === path;
}

async function importRows(
  tenantId: TenantId,
  rows: readonly ReadingRow[],
  imported: Imported,
  { db, lagging, known, signal }: ImportOptions,
): Promise<void> {
  const devices = known.get(tenantId) ?? await KnownDevices.load(db, tenantId);
  known.set(tenantId, devices);
  for (let at = 0; at < rows.length; at += batchRows) {
    signal.throwIfAborted();
    const batch = rows.slice(at, at + batchRows);
    await lagging.during(
      tenantId,
      batch,
      () => writeReadings(db, tenantId, batch, devices),
      ({ stored, parked }) => {
        if (stored > 0) {
          for (const { deviceId } of batch) lagging.note(tenantId, deviceId, undefined);
        }
        imported.stored += stored;
        imported.parked += parked;
        imported.readings += batch.length;
      },
    );
  }
}

function refuseDropped(
  path: string,
  { micros }: RowGroup,
  { policy, nowMs }: ImportOptions,
): void {
  const oldest = micros.reduce((least, micros) => Math.min(least, micros), Infinity);
  const kind = droppedAtOnce(policy, oldest, nowMs);
  if (kind === undefined) return;
  const key = `backend.retention.${settingOf(policy, kind)}`;
  throw new ExitError(
    `Cannot import ${path}: readings of ${isoDay(oldest)} would be dropped at once again, since ` +
      `${key} is ${formatDuration(policy.keptMs[kind])}; have the backend keep them for longer ` +
      `by ${key}, and say it here, too`,
  );
}

/** Where rows are to be packed, they are kept as long as what is packed, if that is longer. */
function settingOf({ keptMs, packs }: ReadingsPolicy, kind: "rows" | "history"): string {
  return kind === "history" || packs && keptMs.rows === keptMs.history ? "history" : "raw";
}

async function refuseStranger(
  path: string,
  tenantId: TenantId,
  db: Kysely<Database>,
): Promise<void> {
  const tenant = await db.selectFrom("tenants").select("tenant_id")
    .where("tenant_id", "=", tenantId).executeTakeFirst();
  if (tenant !== undefined) return;
  throw new ExitError(`Cannot import ${path}: there is no tenant ${tenantId}`);
}
