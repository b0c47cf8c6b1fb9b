import type { SensorReading } from "#shared/gen/iot/v1/reading_pb.ts";
import { contentKey } from "../format/content_key.ts";
import { deviceHref } from "../format/device_href.ts";
import { instantMs, utcText } from "../format/instant.ts";
import { measurementText, quantities, type Quantity } from "../format/measurement.ts";
import type { PageFailure } from "../look/page_failure.ts";

/** 40 bits: enough to tell a device's newest readings apart. */
export const readingKeyLength = 10;

/** Names a reading of a device by its content, as the store does. */
export function readingKey(reading: SensorReading): string {
  const { timestamp, nanos, temperature, humidity, pressure, batteryLevel } = reading;
  const content = [timestamp, nanos, temperature, humidity, pressure, batteryLevel].join("/");
  return contentKey(content, readingKeyLength);
}

/** DOM id of a reading's row. */
export function readingRowId(key: string): string {
  return `r-${key}`;
}

interface ReadingTableProps {
  readonly deviceId: string;
  readonly readings: readonly SensorReading[];
  readonly nextPageToken: string;
}

/** What the page swaps as a whole when rows cannot be added one by one. */
export function ReadingTable({ deviceId, readings, nextPageToken }: ReadingTableProps) {
  if (readings.length === 0) {
    return (
      <section class="notice">
        <p>No readings yet. They show up here by themselves.</p>
      </section>
    );
  }
  return (
    <>
      <table class="readings" aria-label="Readings, newest first">
        <thead>
          <tr>
            <th scope="col">Time (UTC)</th>
            {Object.values(quantities).map(Heading)}
          </tr>
        </thead>
        <tbody id="reading-rows">
          {readings.map((reading) => ReadingRow({ reading, fresh: false }))}
        </tbody>
      </table>
      <More deviceId={deviceId} nextPageToken={nextPageToken} />
    </>
  );
}

function Heading({ name }: Quantity) {
  return <th scope="col" class="number">{name}</th>;
}

interface ReadingRowProps {
  readonly reading: SensorReading;
  /** True to draw the eye to it. */
  readonly fresh: boolean;
}

export function ReadingRow({ reading, fresh }: ReadingRowProps) {
  const ms = instantMs(reading.timestamp, reading.nanos);
  return (
    <tr id={readingRowId(readingKey(reading))} class={fresh ? "fresh" : undefined}>
      <th scope="row">
        {Number.isNaN(ms)
          ? "unknown"
          : <time datetime={new Date(ms).toISOString()}>{utcText(ms)}</time>}
      </th>
      {Value(reading.temperature, quantities.temperature)}
      {Value(reading.humidity, quantities.humidity)}
      {Value(reading.pressure, quantities.pressure)}
      {Value(reading.batteryLevel, quantities.batteryLevel)}
    </tr>
  );
}

function Value(value: number, quantity: Quantity) {
  return <td class="number" data-label={quantity.name}>{measurementText(value, quantity)}</td>;
}

interface MoreProps {
  readonly deviceId: string;
  readonly nextPageToken: string;
}

function More({ deviceId, nextPageToken }: MoreProps) {
  return (
    <p id="more" class="pager">
      {nextPageToken === ""
        ? <span class="quiet">These are all the readings.</span>
        : <MoreLink href={deviceHref(deviceId, nextPageToken)} label="Load more" />}
    </p>
  );
}

/** A plain link; with htmx, the rows that it leads to are added below instead. */
function MoreLink({ href, label }: { readonly href: string; readonly label: string }) {
  return (
    <a
      id="more-link"
      class="button"
      href={href}
      hx-get={href}
      hx-target="#more"
      hx-swap="outerHTML"
      hx-sync="drop"
    >
      {label}
    </a>
  );
}

/** The answer to "Load more": rows for the end of the table, and the next such link. */
export function MoreReadings({ deviceId, readings, nextPageToken }: ReadingTableProps) {
  return (
    <>
      <hx-partial hx-target="#reading-rows" hx-swap="beforeend">
        {readings.map((reading) => ReadingRow({ reading, fresh: false }))}
      </hx-partial>
      <hx-partial hx-target="#more" hx-swap="outerHTML">
        <More deviceId={deviceId} nextPageToken={nextPageToken} />
      </hx-partial>
    </>
  );
}

interface MoreFailedProps {
  readonly failure: PageFailure;
  /** Of the request that failed. */
  readonly href: string;
}

/** The answer to "Load more" when there is none: why, and the same link again. */
export function MoreFailed({ failure, href }: MoreFailedProps) {
  return (
    <hx-partial hx-target="#more" hx-swap="outerHTML">
      <p id="more" class="pager">
        <span role="alert">{`${failure.title}.`}</span>
        <MoreLink href={href} label="Try again" />
      </p>
    </hx-partial>
  );
}
