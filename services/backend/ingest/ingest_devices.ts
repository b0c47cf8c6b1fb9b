import type { Kysely } from "kysely";
import type { IoTDevice } from "#shared/gen/iot/v1/device_pb.ts";
import type { Database } from "../store/database.ts";
import { writeDevices } from "../store/devices/write_devices.ts";
import type { FutureWatch } from "./clocks/future_watch.ts";
import { consume, type ConsumeOptions } from "./consume.ts";
import { decodeDevice } from "./decode_device.ts";
import type { SeenDevices } from "./seen_devices.ts";

type Options = Omit<ConsumeOptions<IoTDevice>, "decode" | "write"> & {
  readonly db: Kysely<Database>;
  readonly lastSeen: SeenDevices;
  readonly future: FutureWatch;
};

/** Consumes devices: registers each, and releases what was parked for it. */
export function ingestDevices(options: Options): Promise<AsyncDisposable> {
  const { db, metrics, lastSeen, future } = options;
  return consume<IoTDevice>({
    ...options,
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
  });
}
