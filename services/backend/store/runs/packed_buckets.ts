import { sql } from "kysely";
import { measures } from "#shared/telemetry/measures.ts";
import { packedMicros } from "./packed_rows.ts";

/** Rollups of one device and width as the database packs them, in the order of their beginnings. */
export type PackedBuckets = Uint8Array;

/** What a bucket tells of a measure, in the order in which it is packed. */
export const bucketFields = ["min", "max", "mean", "last"] as const;

const countBytes = 4;
const headBytes = 8 + countBytes;
const fieldBytes = 8;

/** Where a measure starts in a bucket, in bytes, and where its fields do. */
const places = measures.map((_, of) => {
  const optionalBefore = measures.slice(0, of).filter(({ optional }) => optional).length;
  const at = headBytes + of * bucketFields.length * fieldBytes + optionalBefore * countBytes;
  return { at, fields: at + (measures[of]!.optional ? countBytes : 0) };
});

export const packedBucketBytes = places.at(-1)!.fields + bucketFields.length * fieldBytes;

/** A rollup packed by the database; a measure that no reading has is packed as NaN. */
export const packedBucket = sql<Uint8Array>`
  timestamptz_send(starts_at) || int4send(readings) || ${
  sql.join(
    measures.flatMap(({ column, optional }) => {
      const ref = (name: string) => sql.ref(`${column}_${name}`);
      const fields = bucketFields.map((field) =>
        optional ? sql`float8send(coalesce(${ref(field)}, 'NaN'))` : sql`float8send(${ref(field)})`
      );
      return optional ? [sql`int4send(${ref("count")})`, ...fields] : fields;
    }),
    sql` || `,
  )
}`;

/** When the bucket begins that starts at byte `at`, in Unix microseconds. */
export function bucketMicrosAt(view: DataView, at: number): number {
  return packedMicros(view, at);
}

export function bucketReadingsAt(view: DataView, at: number): number {
  return view.getInt32(at + 8);
}

/** How many readings of the bucket have a measure. */
export function bucketCountAt(view: DataView, at: number, measure: number): number {
  return measures[measure]!.optional
    ? view.getInt32(at + places[measure]!.at)
    : bucketReadingsAt(view, at);
}

/** @param field Of `bucketFields`. */
export function bucketFieldAt(view: DataView, at: number, measure: number, field: number): number {
  return view.getFloat64(at + places[measure]!.fields + field * fieldBytes);
}
