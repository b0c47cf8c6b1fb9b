import type { GetAllDeviceResponse } from "#shared/gen/iot/v1/iot_service_pb.ts";
import { DeviceListBody, deviceRows } from "../pages/device_list.tsx";
import type { Frame } from "./live_frames.tsx";

/** A page of the device list as it is rendered at one moment. */
export interface DeviceListView {
  readonly rows: readonly { readonly id: string; readonly html: string }[];
  readonly nextPageToken: string;
  /** The whole of it, rendered when first asked for. */
  readonly whole: () => string;
}

export function deviceListView(
  response: GetAllDeviceResponse,
  pageToken: string,
  nowMs: number,
): DeviceListView {
  let whole: string | undefined;
  return {
    rows: deviceRows(response, nowMs).map(({ id, element }) => ({ id, html: String(element) })),
    nextPageToken: response.nextPageToken,
    whole: () =>
      whole ??= String(
        <hx-partial hx-target="#devices" hx-swap="innerMorph">
          <DeviceListBody response={response} pageToken={pageToken} nowMs={nowMs} />
        </hx-partial>,
      ),
  };
}

/**
 * Brings one viewer from each view that it is given to the next. The first
 * frame holds everything, so a viewer who reconnects has missed nothing.
 */
export function deviceListFrames(): (view: DeviceListView) => Frame | undefined {
  let shown: DeviceListView | undefined;
  return (view) => {
    const before = shown;
    shown = view;
    if (before === undefined || !sameDevices(before, view)) return { html: view.whole() };
    const html = view.rows
      .filter((row, i) => row.html !== before.rows[i]!.html)
      .map(swapRow)
      .join("");
    return html === "" ? undefined : { html };
  };
}

function sameDevices(before: DeviceListView, after: DeviceListView): boolean {
  return before.nextPageToken === after.nextPageToken &&
    before.rows.length === after.rows.length &&
    before.rows.every(({ id }, i) => id === after.rows[i]!.id);
}

/** Ids hold letters, digits and a dash only, and rows are rendered, so nothing is left to escape. */
function swapRow({ id, html }: { readonly id: string; readonly html: string }): string {
  return `<hx-partial hx-target="#${id}" hx-swap="outerMorph">${html}</hx-partial>`;
}
