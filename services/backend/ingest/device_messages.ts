import type { Kysely } from "kysely";
import type { IoTDevice } from "#shared/gen/iot/v1/device_pb.ts";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { Database } from "../store/database.ts";
import type { LaggingDevices } from "../store/devices/lagging_devices.ts";
import { writeDevices } from "../store/devices/write_devices.ts";
import type { FutureWatch } from "./clocks/future_watch.ts";
import { decodeDevice } from "./decode_device.ts";
import type { IngestMetrics } from "./ingest_metrics.ts";
import type { MessageKind } from "./message_kind.ts";

export interface DeviceMessagesOptions {
  readonly db: Kysely<Database>;
  /** Whose they are. */
  readonly tenantId: TenantId;
  readonly lagging: Pick<LaggingDevices, "during" | "note">;
  readonly future: FutureWatch;
  readonly metrics: Pick<IngestMetrics, "stored" | "released" | "duplicates">;
}

/** Devices: each is registered, and what was parked for it released. */
export function deviceMessages(
  { db, tenantId, lagging, future, metrics }: DeviceMessagesOptions,
): MessageKind<IoTDevice> {
  return {
    decode: future.over(decodeDevice),
    async write(devices) {
      const write = () => writeDevices(db, tenantId, devices);
      await lagging.during(tenantId, devices, write, (released) => {
        metrics.stored.inc({ table: "iot_devices" }, devices.length);
        metrics.released.inc(released.moved);
        metrics.duplicates.inc(released.duplicates);
        for (const deviceId of released.deviceIds) lagging.note(tenantId, deviceId, undefined);
      });
    },
  };
}
