import type { SensorReading } from "#shared/gen/iot/v1/reading_pb.ts";
import { measures } from "#shared/telemetry/measures.ts";
import { More } from "./load_more.tsx";
import { ReadingRow } from "./reading_row.tsx";

interface ReadingTableProps {
  readonly readings: readonly SensorReading[];
  /** Where older readings are; undefined where these are all. */
  readonly olderHref: string | undefined;
}

/** What the page swaps as a whole when rows cannot be added one by one. */
export function ReadingTable({ readings, olderHref }: ReadingTableProps) {
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
            {measures.map(Heading)}
          </tr>
        </thead>
        <tbody id="reading-rows">
          {readings.map((reading) => ReadingRow({ reading, fresh: false }))}
        </tbody>
      </table>
      <More olderHref={olderHref} />
    </>
  );
}

function Heading({ label }: { readonly label: string }) {
  return <th scope="col" class="number">{label}</th>;
}
