import type { GetAllDeviceResponse } from "#shared/gen/iot/v1/iot_service_pb.ts";
import { measures } from "#shared/telemetry/measures.ts";
import { LiveConnection, type LiveConnectionProps } from "../../live/live_connection.tsx";
import { deviceListHref } from "./device_list_href.ts";
import type { DeviceRow } from "./device_rows.tsx";

export interface DeviceListProps {
  readonly response: GetAllDeviceResponse;
  readonly rows: readonly DeviceRow[];
  /** Of this page; empty for the first. */
  readonly pageToken: string;
}

export function DeviceList(props: DeviceListProps & { readonly live: LiveConnectionProps }) {
  const { live, ...body } = props;
  return (
    <>
      <div class="page-head">
        <h1>Devices</h1>
      </div>
      <div id="devices">
        <DeviceListBody {...body} />
      </div>
      <LiveConnection {...live} />
    </>
  );
}

/** What the page swaps as a whole when devices come or go. */
export function DeviceListBody({ response, rows, pageToken }: DeviceListProps) {
  return (
    <>
      {rows.length === 0 ? <NoDevices pageToken={pageToken} /> : <DeviceTable rows={rows} />}
      <Pager pageToken={pageToken} nextPageToken={response.nextPageToken} />
    </>
  );
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
          {measures.map(({ label }) => (
            <th role="columnheader" scope="col" class="number">{label}</th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">{rows.map(({ element }) => element())}</tbody>
    </table>
  );
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
