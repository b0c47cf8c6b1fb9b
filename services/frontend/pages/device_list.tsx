import type { GetAllDeviceResponse } from "#shared/gen/iot/v1/iot_service_pb.ts";
import type { IoTDevice } from "#shared/gen/iot/v1/device_pb.ts";
import type { SensorReading } from "#shared/gen/iot/v1/reading_pb.ts";
import { contentKey } from "../format/content_key.ts";
import { deviceHref, deviceListHref } from "../format/device_href.ts";
import { instantMs } from "../format/instant.ts";
import { measurementText, quantities } from "../format/measurement.ts";
import { LiveConnection } from "./layout.tsx";
import { LastSeen, OnlineState } from "./seen.tsx";

export interface DeviceListProps {
  readonly response: GetAllDeviceResponse;
  /** Of this page; empty for the first. */
  readonly pageToken: string;
  readonly nowMs: number;
}

export function DeviceList(props: DeviceListProps) {
  const { pageToken } = props;
  const query = new URLSearchParams(pageToken === "" ? {} : { page_token: pageToken });
  return (
    <>
      <div class="page-head">
        <h1>Devices</h1>
      </div>
      <div id="devices">
        <DeviceListBody {...props} />
      </div>
      <LiveConnection href={`/live/devices?${query}`} />
    </>
  );
}

/** What the page swaps as a whole when devices come or go. */
export function DeviceListBody({ response, pageToken, nowMs }: DeviceListProps) {
  return (
    <>
      {response.devices.length === 0
        ? <NoDevices pageToken={pageToken} />
        : <DeviceTable rows={deviceRows(response, nowMs)} />}
      <Pager pageToken={pageToken} nextPageToken={response.nextPageToken} />
    </>
  );
}

export interface DeviceRow {
  /** DOM id. */
  readonly id: string;
  readonly element: ReturnType<typeof Row>;
}

/** A row for each device, in the backend's order. */
export function deviceRows(response: GetAllDeviceResponse, nowMs: number): readonly DeviceRow[] {
  const latest = new Map(response.latestReadings.map((reading) => [reading.deviceId, reading]));
  return response.devices.map((device) => {
    const id = `d-${contentKey(device.deviceId, 16)}`;
    const element = Row({ id, device, reading: latest.get(device.deviceId), nowMs });
    return { id, element };
  });
}

function DeviceTable({ rows }: { readonly rows: readonly DeviceRow[] }) {
  return (
    <table
      class="cards"
      role="table"
      aria-label="Devices, ordered by id, with their latest reading"
    >
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">Device</th>
          <th role="columnheader" scope="col">Location</th>
          <th role="columnheader" scope="col">State</th>
          <th role="columnheader" scope="col">Last seen</th>
          {Object.values(quantities).map(({ name }) => (
            <th role="columnheader" scope="col" class="number">{name}</th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">{rows.map(({ element }) => element)}</tbody>
    </table>
  );
}

interface RowProps {
  readonly id: string;
  readonly device: IoTDevice;
  readonly reading: SensorReading | undefined;
  readonly nowMs: number;
}

function Row({ id, device, reading, nowMs }: RowProps) {
  const seenMs = lastSeenMs(device, reading);
  return (
    <tr id={id} role="row">
      <th role="rowheader" scope="row">
        <a href={deviceHref(device.deviceId)}>
          <bdi>{device.deviceId}</bdi>
        </a>
      </th>
      <td role="cell" data-label="Location">
        {device.location === "" ? <span class="none">–</span> : <bdi>{device.location}</bdi>}
      </td>
      <td role="cell" data-label="State">
        <OnlineState seenMs={seenMs} nowMs={nowMs} />
      </td>
      <td role="cell" data-label="Last seen">
        <LastSeen seenMs={seenMs} nowMs={nowMs} />
      </td>
      <Measured label="Temperature" reading={reading} quantity="temperature" />
      <Measured label="Humidity" reading={reading} quantity="humidity" />
      <Measured label="Pressure" reading={reading} quantity="pressure" />
      <Measured label="Battery" reading={reading} quantity="batteryLevel" />
    </tr>
  );
}

interface MeasuredProps {
  readonly label: string;
  readonly reading: SensorReading | undefined;
  readonly quantity: keyof typeof quantities;
}

function Measured({ label, reading, quantity }: MeasuredProps) {
  return (
    <td role="cell" class="number" data-label={label}>
      {reading === undefined
        ? <span class="none" title="No reading yet">–</span>
        : measurementText(reading[quantity], quantities[quantity])}
    </td>
  );
}

/** A reading is a sign of life too. NaN for a device that has given none. */
export function lastSeenMs(device: IoTDevice, reading: SensorReading | undefined): number {
  const announcedMs = device.lastSeen === 0n ? NaN : instantMs(device.lastSeen);
  const readingMs = reading === undefined ? NaN : instantMs(reading.timestamp, reading.nanos);
  if (Number.isNaN(announcedMs)) return readingMs;
  return Number.isNaN(readingMs) ? announcedMs : Math.max(announcedMs, readingMs);
}

function NoDevices({ pageToken }: { readonly pageToken: string }) {
  return (
    <section class="notice">
      {pageToken === ""
        ? (
          <>
            <h2>No devices yet</h2>
            <p>
              Start the generator:{" "}
              <code>deno task generator</code>. Devices show up here by themselves.
            </p>
          </>
        )
        : <h2>No more devices</h2>}
    </section>
  );
}

interface PagerProps {
  readonly pageToken: string;
  readonly nextPageToken: string;
}

function Pager({ pageToken, nextPageToken }: PagerProps) {
  if (pageToken === "" && nextPageToken === "") return null;
  return (
    <nav class="pager" aria-label="Pages">
      {pageToken !== "" && <a class="button" href="/devices">First page</a>}
      {nextPageToken !== "" && (
        <a class="button" rel="next" href={deviceListHref(nextPageToken)}>Next page</a>
      )}
    </nav>
  );
}
