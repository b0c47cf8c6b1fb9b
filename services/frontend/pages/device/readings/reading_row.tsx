import type { SensorReading } from "#shared/gen/iot/v1/reading_pb.ts";
import { measures, valuesOf } from "#shared/telemetry/measures.ts";
import { contentKey } from "../../../format/content_key.ts";
import { instantMs, utcText } from "../../../format/instant.ts";
import { measurementText } from "../../../format/measurement.ts";

/** 40 bits: enough to tell a device's newest readings apart. */
export const readingKeyLength = 10;

/** Names a reading of a device by its content, as the store does. */
export function readingKey(reading: SensorReading): string {
  const content = [reading.timestamp, reading.nanos, ...valuesOf(reading)].join("/");
  return contentKey(content, readingKeyLength);
}

/** DOM id of a reading's row. */
export function readingRowId(key: string): string {
  return `r-${key}`;
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
      {measures.map((measure) => (
        <td class="number" data-label={measure.label}>
          {measurementText(reading[measure.field], measure)}
        </td>
      ))}
    </tr>
  );
}
