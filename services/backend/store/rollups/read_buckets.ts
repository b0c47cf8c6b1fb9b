import type { Kysely } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { Database } from "../database.ts";
import { type BucketPoint, pointOf } from "./bucket_point.ts";
import { planBuckets, type Span } from "./plan_buckets.ts";
import { readParts } from "./read_parts.ts";
import { rollupProgress } from "./rollup_progress.ts";

export interface BucketQuery extends Span {
  readonly deviceId: string;
  /** Width of the buckets, a whole number of at least 1. They begin at its multiples since a Monday. */
  readonly bucketSeconds: number;
}

/**
 * What a device's readings come to in buckets of time, in order, without those
 * that have none: exact, of one moment, and clipped to what is asked for. Where
 * readings are gone, it tells what the rollups do that are kept and fit; where
 * none does, what has been brought back, or has come since.
 */
export async function readBuckets(
  db: Kysely<Database>,
  tenantId: TenantId,
  { deviceId, bucketSeconds, ...span }: BucketQuery,
): Promise<readonly BucketPoint[]> {
  const bucketMicros = bucketSeconds * 1_000_000;
  const marked = new Set<number>();
  for (;;) {
    // Where to look; what is found tells by itself whether that was right.
    const progress = await rollupProgress(db);
    const plan = planBuckets(span, { bucketMicros, marked, progress });
    const query = { tenantId, deviceId, bucketMicros, ...span, plan, progress };
    const found = await readParts(db, query);
    if (found.asBefore && found.marked.every((hour) => marked.has(hour))) {
      return [...found.parts].map(([start, parts]) => pointOf(start, parts))
        .sort((a, b) => a.startMicros - b.startMicros);
    }
    for (const hour of found.marked) marked.add(hour);
  }
}
