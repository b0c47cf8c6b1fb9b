import type { SensorReading } from "#shared/gen/iot/v1/reading_pb.ts";
import type { PageFailure } from "../../../look/page_failure.ts";
import { ReadingRow } from "./reading_row.tsx";

interface MoreProps {
  /** Where older readings are; undefined where these are all. */
  readonly olderHref: string | undefined;
}

/** What a table of readings ends with: the way to those that are older. */
export function More({ olderHref }: MoreProps) {
  return (
    <p id="more" class="pager">
      {olderHref === undefined
        ? <span class="quiet">These are all the readings.</span>
        : <MoreLink href={olderHref} label="Load more" />}
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

interface MoreReadingsProps extends MoreProps {
  readonly readings: readonly SensorReading[];
}

/** The answer to "Load more": rows for the end of the table, and the next such link. */
export function MoreReadings({ readings, olderHref }: MoreReadingsProps) {
  return (
    <>
      <hx-partial hx-target="#reading-rows" hx-swap="beforeend">
        {readings.map((reading) => ReadingRow({ reading, fresh: false }))}
      </hx-partial>
      <hx-partial hx-target="#more" hx-swap="outerHTML">
        <More olderHref={olderHref} />
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
