import { toJson } from "@bufbuild/protobuf";
import { type IoTDevice, IoTDeviceSchema } from "#shared/gen/iot/v1/device_pb.ts";
import type { SensorReading } from "#shared/gen/iot/v1/reading_pb.ts";
import type { Frame } from "../../live/live_view.tsx";
import { readingsPerPage } from "../../queries/query_readings.ts";
import { DeviceFacts, deviceFacts } from "./device_facts.tsx";
import { olderHref } from "./device_href.ts";
import { readingKey, ReadingRow, readingRowId } from "./readings/reading_row.tsx";
import { ReadingTable } from "./readings/reading_table.tsx";
import { type InsertedRun, windowChange } from "./readings/window_change.ts";
import { type WindowCursor, writeCursor } from "./readings/window_cursor.ts";

/** A device and its newest readings at one moment. */
export interface ReadingsView {
  readonly device: IoTDevice;
  /** Newest first, at most a page. */
  readonly readings: readonly SensorReading[];
  readonly keys: readonly string[];
  readonly nextPageToken: string;
  /** The device's facts, rendered when asked for, and what tells whether they changed. */
  readonly facts: { readonly key: string; readonly html: () => string };
}

export function readingsView(
  device: IoTDevice,
  page: { readonly readings: readonly SensorReading[]; readonly nextPageToken: string },
  nowMs: number,
): ReadingsView {
  const { readings, nextPageToken } = page;
  const data = deviceFacts(device, readings, true);
  const facts = {
    key: JSON.stringify([toJson(IoTDeviceSchema, device), data.signs]),
    html: () => String(<DeviceFacts facts={data} nowMs={nowMs} />),
  };
  return { device, readings, keys: readings.map(readingKey), nextPageToken, facts };
}

/** Rows added to a table before it is cut back to a page, so that an open tab stays small. */
const maxAdded = 200;

/** What the viewer's table shows: a window, something unknown, or readings that are not the newest. */
export type ShownReadings = WindowCursor | "unknown" | "older";

/** Brings one viewer from what it shows to each view that it is given. */
export function readingFrames(shown: ShownReadings): (view: ReadingsView) => Frame | undefined {
  let facts: string | undefined;
  return (view) => {
    const parts: string[] = [];
    if (view.facts.key !== facts) {
      const html = view.facts.html();
      parts.push(`<hx-partial hx-target="#facts" hx-swap="outerMorph">${html}</hx-partial>`);
      facts = view.facts.key;
    }
    if (shown === "older") return parts.length === 0 ? undefined : { html: parts.join("") };

    const change = windowChange(
      shown === "unknown" ? undefined : shown.keys,
      view.keys,
      readingsPerPage,
    );
    const runs = change.kind === "insert" ? change.runs : undefined;
    const added = (shown === "unknown" ? 0 : shown.added) +
      (runs?.reduce((sum, { keys }) => sum + keys.length, 0) ?? 0);
    const replaced = runs === undefined || added > maxAdded;
    parts.push(replaced ? wholeTable(view) : insertions(runs, view));
    shown = { added: replaced ? 0 : added, keys: view.keys };
    const html = parts.join("");
    return html === "" ? undefined : { html, after: writeCursor(shown) };
  };
}

function wholeTable({ device, readings, nextPageToken }: ReadingsView): string {
  return String(
    <hx-partial hx-target="#readings" hx-swap="innerHTML">
      <ReadingTable
        readings={readings}
        olderHref={olderHref(device.deviceId, nextPageToken)}
      />
    </hx-partial>,
  );
}

function insertions(runs: readonly InsertedRun[], { keys, readings }: ReadingsView): string {
  const byKey = new Map(keys.map((key, i) => [key, readings[i]!]));
  return runs.map((run) =>
    String(
      <hx-partial
        hx-target={run.below === undefined ? "#reading-rows" : `#${readingRowId(run.below)}`}
        hx-swap={run.below === undefined ? "afterbegin" : "afterend"}
      >
        {run.keys.map((key) => ReadingRow({ reading: byKey.get(key)!, fresh: true }))}
      </hx-partial>,
    )
  ).join("");
}
