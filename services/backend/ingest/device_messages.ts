import type { Kysely } from "kysely";
import type { IoTDevice } from "#shared/gen/iot/v1/device_pb.ts";
import type { Database } from "../store/database.ts";
import { writeDevices } from "../store/devices/write_devices.ts";
import type { FutureWatch } from "./clocks/future_watch.ts";
import { decodeDevice } from "./decode_device.ts";
import type { IngestMetrics } from "./ingest_metrics.ts";
import type { MessageKind } from "./message_kind.ts";
import type { SeenDevices } from "./seen_devices.ts";

export interface DeviceMessagesOptions {
  readonly db: Kysely<Database>;
  readonly lastSeen: SeenDevices;
  readonly future: FutureWatch;
  readonly metrics: Pick<IngestMetrics, "stored" | "released" | "duplicates">;
}

/** Devices: each is registered, and what was parked for it released. */
export function deviceMessages(
  { db, lastSeen, future, metrics }: DeviceMessagesOptions,
): MessageKind<IoTDevice> {
  return {
    decode: future.over(decodeDevice),
    async write(devices) {
      const released = await writeDevices(db, devices);
      metrics.stored.inc({ table: "iot_devices" }, devices.length);
      for (const { deviceId, count, stored, newestMicros } of released) {
        metrics.released.inc(count);
        metrics.duplicates.inc(count - stored);
        lastSeen.note(deviceId, newestMicros);
      }
    },
  };
}
