import type { IoTDevice } from "#shared/gen/iot/v1/device_pb.ts";
import type { SensorReading } from "#shared/gen/iot/v1/reading_pb.ts";
import { paceReadings, typicalInterval } from "#shared/telemetry/typical_interval.ts";
import { deviceHref } from "../format/device_href.ts";
import { instantMs } from "../format/instant.ts";
import { hasVisible } from "../format/visible_text.ts";
import { DeviceName } from "../look/device_name.tsx";
import { LiveConnection } from "../look/live_connection.tsx";
import { LastSeen, OnlineState } from "../look/seen.tsx";
import { type Signs, signsOf } from "../look/signs.ts";
import { spanWords } from "../static/freshness.js";
import { readingKey, ReadingTable } from "./reading_table.tsx";
import { writeCursor } from "./window_cursor.ts";

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
          <ReadingTable deviceId={deviceId} readings={readings} nextPageToken={nextPageToken} />
        </div>
      </section>
      <LiveConnection view={{ readings: deviceId }} after={after} asOfMs={nowMs} />
    </>
  );
}

/** What is known of a device itself. */
export interface DeviceFactsData {
  readonly device: IoTDevice;
  readonly signs: Signs;
}

/** From a page of a device's readings; of those that are not the newest, its pace alone. */
export function deviceFacts(
  device: IoTDevice,
  readings: readonly SensorReading[],
  newest: boolean,
): DeviceFactsData {
  const recent = readings.slice(0, paceReadings).map(({ timestamp, nanos }) =>
    instantMs(timestamp, nanos) / 1_000
  );
  const reading = newest ? readings[0] : undefined;
  return { device, signs: signsOf(device, reading, typicalInterval(recent)) };
}

interface DeviceFactsProps {
  readonly facts: DeviceFactsData;
  readonly nowMs: number;
}

export function DeviceFacts({ facts: { device, signs }, nowMs }: DeviceFactsProps) {
  return (
    <dl id="facts" class="facts">
      <Fact name="State">
        <OnlineState signs={signs} nowMs={nowMs} />
      </Fact>
      <Fact name="Last seen">
        <LastSeen signs={signs} nowMs={nowMs} />
      </Fact>
      <Fact name="Reports">
        {signs.intervalMs === undefined
          ? <span class="none">too seldom to tell</span>
          : `every ${spanWords(signs.intervalMs)}`}
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
      <dd>
        {typeof children === "string" && !hasVisible(children)
          ? <span class="none">not given</span>
          : <bdi>{children}</bdi>}
      </dd>
    </div>
  );
}

/** `52.5200° N, 13.4050° E` */
function coordinates({ latitude, longitude }: IoTDevice): string {
  const northSouth = `${Math.abs(latitude).toFixed(4)}° ${latitude < 0 ? "S" : "N"}`;
  const eastWest = `${Math.abs(longitude).toFixed(4)}° ${longitude < 0 ? "W" : "E"}`;
  return `${northSouth}, ${eastWest}`;
}
