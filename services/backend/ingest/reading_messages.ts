import type { Kysely } from "kysely";
import { orAborted } from "#shared/lifecycle/or_aborted.ts";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { ReadingRow } from "../readings/reading_row.ts";
import type { Database } from "../store/database.ts";
import type { LaggingDevices } from "../store/devices/lagging_devices.ts";
import { KnownDevices } from "../store/readings/known_devices.ts";
import { writeReadings, type WrittenReadings } from "../store/readings/write_readings.ts";
import type { FutureWatch } from "./clocks/future_watch.ts";
import { decodeReading } from "./decode_reading.ts";
import type { IngestMetrics } from "./ingest_metrics.ts";
import type { MessageKind } from "./message_kind.ts";

export interface ReadingMessagesOptions {
  readonly db: Kysely<Database>;
  /** Whose they are. */
  readonly tenantId: TenantId;
  readonly lagging: Pick<LaggingDevices, "during" | "note">;
  readonly future: FutureWatch;
  readonly metrics: Pick<IngestMetrics, "stored" | "duplicates">;
  /** Aborted to end a start that takes long. */
  readonly signal: AbortSignal;
}

/**
 * Readings: each is stored, or parked until its device is known.
 *
 * @throws the signal's reason when it is aborted before the start is over.
 */
export async function readingMessages(
  { db, tenantId, lagging, future, metrics, signal }: ReadingMessagesOptions,
): Promise<MessageKind<ReadingRow>> {
  const known = await orAborted(KnownDevices.load(db, tenantId), signal);
  const count = (rows: number, { stored, parked }: WrittenReadings) => {
    metrics.stored.inc({ table: "sensor_readings" }, stored);
    metrics.stored.inc({ table: "parked_readings" }, parked);
    metrics.duplicates.inc(rows - stored - parked);
  };
  return {
    decode: future.over(decodeReading),
    async write(rows) {
      const strangers = new Set<string>();
      const write = () => writeReadings(db, tenantId, rows, known, strangers);
      await lagging.during(tenantId, rows, write, (written) => {
        count(rows.length, written);
        for (const row of rows) {
          const { deviceId } = row;
          // A device that is not known has no row to note it in; and whoever makes ids up can make
          // more than are ever forgotten.
          if (!strangers.has(deviceId)) lagging.note(tenantId, deviceId, row);
        }
      });
    },
  };
}
