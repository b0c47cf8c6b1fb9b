import type { IoTDevice } from "#shared/gen/iot/v1/device_pb.ts";
import type { SensorReading } from "#shared/gen/iot/v1/reading_pb.ts";
import { paceReadings, typicalInterval } from "#shared/telemetry/typical_interval.ts";
import { instantMs } from "../../format/instant.ts";
import { hasVisible } from "../../format/visible_text.ts";
import { LastSeen, OnlineState } from "../../look/seen.tsx";
import { type Signs, signsOf } from "../../look/signs.ts";
import { spanWords } from "../../static/freshness.js";

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
