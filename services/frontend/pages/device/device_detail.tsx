import type { IoTDevice } from "#shared/gen/iot/v1/device_pb.ts";
import type { SensorReading } from "#shared/gen/iot/v1/reading_pb.ts";
import { LiveConnection } from "../../live/live_connection.tsx";
import { DeviceName } from "../../look/device_name.tsx";
import { DeviceFacts, deviceFacts } from "./device_facts.tsx";
import { deviceHref, olderHref } from "./device_href.ts";
import { readingKey } from "./readings/reading_row.tsx";
import { ReadingTable } from "./readings/reading_table.tsx";
import { writeCursor } from "./readings/window_cursor.ts";

export interface DeviceDetailProps {
  readonly device: IoTDevice;
  readonly readings: readonly SensorReading[];
  readonly nextPageToken: string;
  /** False where `readings` are a later page. */
  readonly newest: boolean;
  readonly nowMs: number;
}

export function DeviceDetail(props: DeviceDetailProps) {
  const { device, readings, nextPageToken, newest, nowMs } = props;
  const { deviceId } = device;
  const after = newest ? writeCursor({ added: 0, keys: readings.map(readingKey) }) : undefined;
  return (
    <>
      <nav class="trail" aria-label="Breadcrumb">
        <a href="/devices">Devices</a>
      </nav>
      <div class="page-head">
        <h1>
          <DeviceName deviceId={deviceId} />
        </h1>
      </div>
      <DeviceFacts facts={deviceFacts(device, readings, newest)} nowMs={nowMs} />
      <section aria-labelledby="readings-title">
        <div class="section-head">
          <h2 id="readings-title">{newest ? "Readings" : "Older readings"}</h2>
          {!newest && <a href={deviceHref(deviceId)}>Newest readings</a>}
        </div>
        <div id="readings">
          <ReadingTable readings={readings} olderHref={olderHref(deviceId, nextPageToken)} />
        </div>
      </section>
      <LiveConnection view={{ readings: deviceId }} after={after} asOfMs={nowMs} />
    </>
  );
}
