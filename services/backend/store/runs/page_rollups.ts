import { type Kysely, type RawBuilder, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { textArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import type { RollupTable } from "../rollups/rollup_levels.ts";
import { instant } from "../rows/instant.ts";
import { packedBucket, type PackedBuckets } from "./packed_buckets.ts";
import type { Span } from "./span.ts";

/** A device's rollups that begin within a span, and which of them are exact, of one moment. */
export interface RollupPage {
  readonly span: Span;
  /** Buckets that end there or before are rolled up, but for those of marked hours. */
  readonly rolledUntilMicros: number;
  /** Beginnings of marked hours, in Unix microseconds. */
  readonly marked: ReadonlySet<number>;
  readonly tables: Readonly<Record<RollupTable, RollupPart>>;
}

export interface RollupPart {
  /** Buckets of before it are gone, or were never made. */
  readonly droppedUntilMicros: number;
  readonly buckets: PackedBuckets;
}

interface PageRow {
  readonly device_id: string;
  readonly rolled_until: number;
  readonly minutes_dropped_until: number;
  readonly hours_dropped_until: number;
  readonly days_dropped_until: number;
  readonly marked: readonly number[] | null;
  readonly minutes: PackedBuckets | null;
  readonly hours: PackedBuckets | null;
  readonly days: PackedBuckets | null;
}

/**
 * The rollups of devices within a span of whole days, in the order of
 * `deviceIds`; undefined for a device that is not registered: it has none.
 */
export async function pageRollups(
  db: Kysely<Database>,
  tenantId: TenantId,
  { deviceIds, span }: { readonly deviceIds: readonly string[]; readonly span: Span },
): Promise<readonly (RollupPage | undefined)[]> {
  const { rows } = await sql<PageRow>`
    select d.device_id, p.*, marks.marked,
      minutes.buckets as minutes, hours.buckets as hours, days.buckets as days
    from iot_devices as d
    cross join (select ${progress} from reading_progress) as p
    cross join lateral (
      select array_agg(distinct (extract(epoch from hour) * 1000000)::float8) as marked
      from rollup_marks as m
      where m.tenant_id = d.tenant_id and m.device_id = d.device_id and ${within("m.hour", span)}
    ) as marks
    cross join lateral (${bucketsOf("rollups_minute", span)}) as minutes
    cross join lateral (${bucketsOf("rollups_hour", span)}) as hours
    cross join lateral (${bucketsOf("rollups_day", span)}) as days
    where d.tenant_id = ${tenantId}::int
      and d.device_id = any(${textArray(deviceIds)}::text[])`.execute(db);
  const pages = new Map(rows.map((row) => [row.device_id, pageOf(row, span)]));
  return deviceIds.map((id) => pages.get(id));
}

const progress = sql.join(
  [
    "rolled_until",
    "minutes_dropped_until",
    "hours_dropped_until",
    "days_dropped_until",
  ].map((column) =>
    sql`(extract(epoch from ${sql.ref(column)}) * 1000000)::float8 as ${sql.id(column)}`
  ),
);

function within(column: string, { fromMicros, untilMicros }: Span): RawBuilder<boolean> {
  return sql`${sql.ref(column)} >= ${instant(fromMicros)}
    and ${sql.ref(column)} < ${instant(untilMicros)}`;
}

/** An aggregate takes a sorted subquery in its order. */
function bucketsOf(table: RollupTable, span: Span): RawBuilder<unknown> {
  return sql`
    select string_agg(packed, ''::bytea) as buckets
    from (
      select ${packedBucket} as packed from ${sql.table(table)} as r
      where r.tenant_id = d.tenant_id and r.device_id = d.device_id
        and ${within("r.starts_at", span)}
      order by r.starts_at
    ) as sorted`;
}

function pageOf(row: PageRow, span: Span): RollupPage {
  const part = (droppedUntilMicros: number, buckets: PackedBuckets | null): RollupPart => ({
    droppedUntilMicros,
    buckets: buckets ?? new Uint8Array(),
  });
  return {
    span,
    rolledUntilMicros: row.rolled_until,
    marked: new Set(row.marked),
    tables: {
      rollups_minute: part(row.minutes_dropped_until, row.minutes),
      rollups_hour: part(row.hours_dropped_until, row.hours),
      rollups_day: part(row.days_dropped_until, row.days),
    },
  };
}
