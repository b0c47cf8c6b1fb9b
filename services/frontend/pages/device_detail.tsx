import type { IoTDevice } from "#shared/gen/iot/v1/device_pb.ts";
import type { SensorReading } from "#shared/gen/iot/v1/reading_pb.ts";
import { deviceHref } from "../format/device_href.ts";
import { writeCursor } from "./window_cursor.ts";
import { lastSeenMs } from "./device_list.tsx";
import { LiveConnection } from "./layout.tsx";
import { readingKey, ReadingTable } from "./reading_table.tsx";
import { LastSeen, OnlineState } from "./seen.tsx";

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
  const query = new URLSearchParams({ device_id: deviceId });
  if (newest) query.set("after", writeCursor({ added: 0, keys: readings.map(readingKey) }));
  return (
    <>
      <nav class="trail" aria-label="Breadcrumb">
        <a href="/devices">Devices</a>
      </nav>
      <div class="page-head">
        <h1>
          <bdi>{deviceId}</bdi>
        </h1>
      </div>
      <DeviceFacts device={device} reading={newest ? readings[0] : undefined} nowMs={nowMs} />
      <section aria-labelledby="readings-title">
        <div class="section-head">
          <h2 id="readings-title">{newest ? "Readings" : "Older readings"}</h2>
          {!newest && <a href={deviceHref(deviceId)}>Newest readings</a>}
        </div>
        <div id="readings">
          <ReadingTable deviceId={deviceId} readings={readings} nextPageToken={nextPageToken} />
        </div>
      </section>
      <LiveConnection href={`/live/readings?${query}`} />
    </>
  );
}

interface DeviceFactsProps {
  readonly device: IoTDevice;
  /** The newest, where it is known. */
  readonly reading: SensorReading | undefined;
  readonly nowMs: number;
}

export function DeviceFacts({ device, reading, nowMs }: DeviceFactsProps) {
  const seenMs = lastSeenMs(device, reading);
  return (
    <dl id="facts" class="facts">
      <Fact name="State">
        <OnlineState seenMs={seenMs} nowMs={nowMs} />
      </Fact>
      <Fact name="Last seen">
        <LastSeen seenMs={seenMs} nowMs={nowMs} />
      </Fact>
      <Fact name="Location">{device.location}</Fact>
      <Fact name="Coordinates">{coordinates(device)}</Fact>
      <Fact name="IP address">{device.ipAddress}</Fact>
      <Fact name="MAC address">{device.macAddress}</Fact>
      <Fact name="Firmware">{device.firmware}</Fact>
    </dl>
  );
}

interface FactProps {
  readonly name: string;
  readonly children: string | ReturnType<typeof LastSeen>;
}

function Fact({ name, children }: FactProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children === "" ? <span class="none">not given</span> : <bdi>{children}</bdi>}</dd>
    </div>
  );
}

/** `52.5200° N, 13.4050° E` */
function coordinates({ latitude, longitude }: IoTDevice): string {
  const northSouth = `${Math.abs(latitude).toFixed(4)}° ${latitude < 0 ? "S" : "N"}`;
  const eastWest = `${Math.abs(longitude).toFixed(4)}° ${longitude < 0 ? "W" : "E"}`;
  return `${northSouth}, ${eastWest}`;
}
