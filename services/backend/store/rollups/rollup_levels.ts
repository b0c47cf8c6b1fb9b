import { type RawBuilder, sql } from "kysely";

/** A table of buckets, all of one width. */
export type RollupTable = "rollups_minute" | "rollups_hour" | "rollups_day";

export interface RollupLevel {
  readonly table: RollupTable;
  /** Width of a bucket, in microseconds; each begins at a multiple of it since 1970, in UTC. */
  readonly bucketMicros: number;
  readonly width: RawBuilder<unknown>;
  /** What a partition holds. */
  readonly partition: "month" | "year";
}

export const hourMicros = 3_600_000_000;

export const minuteLevel: RollupLevel = {
  table: "rollups_minute",
  bucketMicros: 60_000_000,
  width: sql`interval '1 minute'`,
  partition: "month",
};

export const hourLevel: RollupLevel = {
  table: "rollups_hour",
  bucketMicros: hourMicros,
  width: sql`interval '1 hour'`,
  partition: "year",
};

export const dayLevel: RollupLevel = {
  table: "rollups_day",
  bucketMicros: 24 * hourMicros,
  width: sql`interval '1 day'`,
  partition: "year",
};
