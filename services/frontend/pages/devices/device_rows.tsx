import type { IoTDevice } from "#shared/gen/iot/v1/device_pb.ts";
import type { GetAllDeviceResponse } from "#shared/gen/iot/v1/iot_service_pb.ts";
import type { SensorReading } from "#shared/gen/iot/v1/reading_pb.ts";
import { measures, valuesOf } from "#shared/telemetry/measures.ts";
import { contentKey } from "../../format/content_key.ts";
import { measurementText } from "../../format/measurement.ts";
import { hasVisible } from "../../format/visible_text.ts";
import { DeviceName } from "../../look/device_name.tsx";
import { LastSeen, OnlineState } from "../../look/seen.tsx";
import { type Signs, signsOf } from "../../look/signs.ts";
import { deviceHref } from "../device/device_href.ts";

export interface DeviceRow {
  /** DOM id. */
  readonly id: string;
  /** Names what the row shows, whenever it is rendered. */
  readonly key: string;
  /** Rendered when asked for: most rows of most polls are as they were. */
  readonly element: () => ReturnType<typeof Row>;
}

/** A row for each device, in the backend's order. */
export function deviceRows(response: GetAllDeviceResponse, nowMs: number): readonly DeviceRow[] {
  const { latestReadings, typicalIntervalSeconds } = response;
  const latest = new Map(
    latestReadings.map((reading, i) => [
      reading.deviceId,
      // 0, or nothing from a backend that is older than this program, is unknown.
      { reading, intervalSeconds: typicalIntervalSeconds[i] || undefined },
    ]),
  );
  return response.devices.map((device) => {
    const id = `d-${contentKey(device.deviceId, 16)}`;
    const { reading, intervalSeconds } = latest.get(device.deviceId) ?? {};
    const signs = signsOf(device, reading, intervalSeconds);
    const measured = reading && valuesOf(reading);
    const key = JSON.stringify([device.deviceId, device.location, signs, measured]);
    return { id, key, element: () => Row({ id, device, reading, signs, nowMs }) };
  });
}

interface RowProps {
  readonly id: string;
  readonly device: IoTDevice;
  readonly reading: SensorReading | undefined;
  readonly signs: Signs;
  readonly nowMs: number;
}

function Row({ id, device, reading, signs, nowMs }: RowProps) {
  return (
    <tr id={id} role="row">
      <th role="rowheader" scope="row">
        <a href={deviceHref(device.deviceId)}>
          <DeviceName deviceId={device.deviceId} />
        </a>
      </th>
      <td role="cell" data-label="Location">
        {!hasVisible(device.location) ? <span class="none">–</span> : <bdi>{device.location}</bdi>}
      </td>
      <td role="cell" data-label="State">
        <OnlineState signs={signs} nowMs={nowMs} />
      </td>
      <td role="cell" data-label="Last seen">
        <LastSeen signs={signs} nowMs={nowMs} />
      </td>
      {measures.map((measure) => (
        <td role="cell" class="number" data-label={measure.label}>
          {reading === undefined
            ? <span class="none" title="No reading yet">–</span>
            : measurementText(reading[measure.field], measure)}
        </td>
      ))}
    </tr>
  );
}
