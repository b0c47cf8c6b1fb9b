import type { Kysely } from "kysely";
import { orAborted } from "#shared/lifecycle/or_aborted.ts";
import type { ReadingRow } from "../readings/reading_row.ts";
import type { Database } from "../store/database.ts";
import { KnownDevices } from "../store/readings/known_devices.ts";
import { writeReadings } from "../store/readings/write_readings.ts";
import type { FutureWatch } from "./clocks/future_watch.ts";
import { decodeReading } from "./decode_reading.ts";
import type { IngestMetrics } from "./ingest_metrics.ts";
import type { MessageKind } from "./message_kind.ts";
import type { SeenDevices } from "./seen_devices.ts";

export interface ReadingMessagesOptions {
  readonly db: Kysely<Database>;
  readonly lastSeen: SeenDevices;
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
  { db, lastSeen, future, metrics, signal }: ReadingMessagesOptions,
): Promise<MessageKind<ReadingRow>> {
  const known = await orAborted(KnownDevices.load(db), signal);
  return {
    decode: future.over(decodeReading),
    async write(rows) {
      const { stored, parked } = await writeReadings(db, rows, known);
      metrics.stored.inc({ table: "sensor_readings" }, stored);
      metrics.stored.inc({ table: "parked_readings" }, parked);
      metrics.duplicates.inc(rows.length - stored - parked);
      for (const { deviceId, micros } of rows) {
        // A device that is not known has no row to note it in; and whoever makes ids up can make
        // more than are ever forgotten.
        if (parked === 0 || known.has(deviceId)) lastSeen.note(deviceId, micros);
      }
    },
  };
}
