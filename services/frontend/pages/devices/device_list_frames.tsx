import type { GetAllDeviceResponse } from "#shared/gen/iot/v1/iot_service_pb.ts";
import { contentKey } from "../../format/content_key.ts";
import type { Frame } from "../../live/live_view.tsx";
import { DeviceListBody } from "./device_list.tsx";
import { type DeviceRow, deviceRows } from "./device_rows.tsx";

/** A page of the device list at one moment. */
export interface DeviceListView {
  readonly rows: readonly DeviceRow[];
  readonly nextPageToken: string;
  /** Names what is shown, whenever and wherever it is rendered. */
  readonly key: string;
  /** The whole of it, rendered when first asked for. */
  readonly whole: () => string;
}

export function deviceListView(
  response: GetAllDeviceResponse,
  pageToken: string,
  nowMs: number,
): DeviceListView {
  const rows = deviceRows(response, nowMs);
  let whole: string | undefined;
  return {
    rows,
    nextPageToken: response.nextPageToken,
    key: deviceListKey(rows, response.nextPageToken),
    whole: () =>
      whole ??= String(
        <hx-partial hx-target="#devices" hx-swap="innerMorph">
          <DeviceListBody {...{ response, rows, pageToken }} />
        </hx-partial>,
      ),
  };
}

export function deviceListKey(rows: readonly DeviceRow[], nextPageToken: string): string {
  return contentKey(JSON.stringify([nextPageToken, ...rows.map(({ key }) => key)]), 16);
}

/**
 * Brings one viewer from each view that it is given to the next, from the one
 * whose key is `after` on. A viewer who shows something else gets all of it, so
 * one who connects again has missed nothing.
 */
export function deviceListFrames(
  after: string | undefined,
): (view: DeviceListView) => Frame | undefined {
  let shown: DeviceListView | undefined;
  return (view) => {
    const before = shown;
    shown = view;
    if (view.key === (before?.key ?? after)) return undefined;
    if (before === undefined || !sameDevices(before, view)) {
      return { html: view.whole(), after: view.key };
    }
    const changed = view.rows.filter((row, i) => row.key !== before.rows[i]!.key);
    return { html: changed.map(swapRow).join(""), after: view.key };
  };
}

function sameDevices(before: DeviceListView, after: DeviceListView): boolean {
  return before.nextPageToken === after.nextPageToken &&
    before.rows.length === after.rows.length &&
    before.rows.every(({ id }, i) => id === after.rows[i]!.id);
}

/** Ids hold letters, digits and a dash only, and rows are rendered, so nothing is left to escape. */
function swapRow({ id, element }: DeviceRow): string {
  return `<hx-partial hx-target="#${id}" hx-swap="outerMorph">${element()}</hx-partial>`;
}
