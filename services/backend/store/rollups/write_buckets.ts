import { type Kysely, type RawBuilder, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { textArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import { instant } from "../rows/instant.ts";
import { measureColumns } from "../rows/measure_columns.ts";
import { type BucketSummary, summaryOfBuckets, summaryOfReadings } from "./bucket_summary.ts";
import type { RollupLevel } from "./rollup_levels.ts";
import { upsertBuckets } from "./upsert_buckets.ts";

/** Some devices' time, from `fromMicros` until before `untilMicros`, in Unix microseconds. */
export interface DeviceSpan {
  readonly tenantId: TenantId;
  readonly deviceIds: readonly string[];
  readonly fromMicros: number;
  readonly untilMicros: number;
}

/**
 * Writes the buckets of a span, which is one of whole buckets, as they come of the
 * rows that are there; such as are there and the same are left alone. In a transaction.
 *
 * A mean that comes of narrower buckets is the readings' own but for rounding:
 * within 1e-12 of the largest value by its size.
 *
 * @param source What they come of: readings that are not packed, or narrower buckets.
 * @returns readings of buckets that were written.
 */
export async function writeBuckets(
  transaction: Kysely<Database>,
  level: RollupLevel,
  source: RollupLevel | "readings",
  span: DeviceSpan,
): Promise<number> {
  const buckets = source === "readings"
    ? grouped(level, readingsOf(span), sql`"timestamp"`, summaryOfReadings)
    : grouped(level, bucketsOf(source, span), sql`starts_at`, summaryOfBuckets);
  const rows = sql`
    select d.tenant_id, d.device_id, b.*
    from iot_devices d cross join lateral (${buckets}) b
    where d.tenant_id = ${span.tenantId}::int
      and d.device_id = any(${textArray(span.deviceIds)}::text[])`;
  return await upsertBuckets(transaction, level, rows);
}

/**
 * A device at a time, by the key of its rows: that takes neither a sort nor the
 * memory to hash all buckets, and no longer.
 */
function grouped(
  { width }: RollupLevel,
  rows: RawBuilder<unknown>,
  at: RawBuilder<unknown>,
  { aggregates, columns }: BucketSummary,
): RawBuilder<unknown> {
  return sql`
    select starts_at, ${columns} from (
      select date_bin(${width}, ${at}, timestamptz '1970-01-01 00:00+00') as starts_at, ${aggregates}
      from (${rows}) as r
      group by 1
    ) as g`;
}

function readingsOf({ fromMicros, untilMicros }: DeviceSpan): RawBuilder<unknown> {
  const of = (table: string) =>
    sql`
    select "timestamp", tie_break, ${measureColumns} from ${sql.table(table)}
    where tenant_id = d.tenant_id and device_id = d.device_id
      and "timestamp" >= ${instant(fromMicros)} and "timestamp" < ${instant(untilMicros)}`;
  return sql`${of("sensor_readings")} union all ${of("closed_readings")}`;
}

function bucketsOf({ table }: RollupLevel, { fromMicros, untilMicros }: DeviceSpan) {
  return sql`
    select * from ${sql.table(table)}
    where tenant_id = d.tenant_id and device_id = d.device_id
      and starts_at >= ${instant(fromMicros)} and starts_at < ${instant(untilMicros)}`;
}
