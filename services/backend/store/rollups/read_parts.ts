import { type Kysely, type RawBuilder, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { unpackReadings } from "../../history/unpack_readings.ts";
import { timestamptzArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import { dayOf } from "../partitions/days.ts";
import { instant } from "../readings/instant.ts";
import { measureColumns } from "../readings/measure_columns.ts";
import type { PartRow } from "./bucket_point.ts";
import { bucketStartOf } from "./bucket_start.ts";
import {
  type BucketSummary,
  noAggregates,
  summaryOfBuckets,
  summaryOfReadings,
} from "./bucket_summary.ts";
import { partsOfReadings } from "./parts_of_readings.ts";
import type { BucketPlan, Span } from "./plan_buckets.ts";
import { hourMicros, type RollupTable } from "./rollup_levels.ts";
import { isAsBefore, type RollupProgress } from "./rollup_progress.ts";

export interface PartsQuery extends Span {
  readonly tenantId: TenantId;
  readonly deviceId: string;
  readonly bucketMicros: number;
  readonly plan: BucketPlan;
  /** What was planned by. */
  readonly progress: RollupProgress;
}

/** What a statement has found, all of one moment. */
export interface FoundParts {
  /** Whether all was where it was looked for. */
  readonly asBefore: boolean;
  /** Beginnings of hours that were marked, in Unix microseconds, of those that were rolled up. */
  readonly marked: readonly number[];
  /** By the beginnings of their buckets, in Unix microseconds. */
  readonly parts: ReadonlyMap<number, readonly PartRow[]>;
}

interface FoundRow extends PartRow {
  readonly as_before: boolean;
  readonly marked: readonly number[] | null;
  /** Null where it tells no part. */
  readonly start: number | null;
}

/** Reads, by one statement, a device's readings from where the plan says. */
export async function readParts(
  db: Kysely<Database>,
  { tenantId, deviceId, bucketMicros, fromMicros, untilMicros, plan, progress }: PartsQuery,
): Promise<FoundParts> {
  const device = sql`tenant_id = ${tenantId}::int and device_id = ${deviceId}`;
  const firstHour = Math.floor(fromMicros / hourMicros) * hourMicros;
  const rolledUntil = Math.min(untilMicros, progress.rolledUntilMicros);
  const late = plan.readings.flatMap((span) => before(span, progress.openFromMicros));
  const { rows } = await sql<FoundRow & { readonly packed: Uint8Array | null }>`
    select kept.*, hours.*, parts.*
    from (select ${isAsBefore(progress)} as as_before from reading_progress) as kept
    cross join (
      select array_agg(distinct (extract(epoch from hour) * 1000000)::float8) as marked
      from rollup_marks
      where ${device} and hour >= ${instant(firstHour)} and hour < ${instant(rolledUntil)}
    ) as hours
    left join (${partsOf(device, plan, late, bucketMicros)}) as parts on true`.execute(db);
  const found = rows.flatMap(({ packed, ...part }) => {
    if (packed !== null) return partsOfReadings(unpackReadings(packed), late, bucketMicros);
    return part.start === null ? [] : [[part.start, part] as const];
  });
  const parts = new Map<number, PartRow[]>();
  for (const [start, part] of found) {
    const others = parts.get(start);
    if (others === undefined) parts.set(start, [part]);
    else others.push(part);
  }
  return { asBefore: rows[0]!.as_before, marked: rows[0]!.marked ?? [], parts };
}

/** What of the span is before an instant. */
function before({ fromMicros, untilMicros }: Span, micros: number): readonly Span[] {
  return fromMicros < micros ? [{ fromMicros, untilMicros: Math.min(untilMicros, micros) }] : [];
}

/** A query for each kind of table that the plan reads; without any, one that finds nothing. */
function partsOf(
  device: RawBuilder<unknown>,
  { rollups, readings }: BucketPlan,
  late: readonly Span[],
  bucketMicros: number,
): RawBuilder<unknown> {
  const grouped = (rows: RawBuilder<unknown>, at: string, { aggregates }: BucketSummary) =>
    sql`
    select ${bucketStartOf(at, bucketMicros)} as start, ${aggregates}, null::bytea as packed
    from (${rows}) as r group by 1`;
  const queries: RawBuilder<unknown>[] = [];
  const tables: readonly RollupTable[] = ["rollups_day", "rollups_hour", "rollups_minute"];
  for (const table of tables) {
    if (rollups[table].length === 0) continue;
    const rows = sql`select r.* from ${sql.table(table)} as r ${
      inSpans("starts_at", rollups[table], device)
    }`;
    queries.push(grouped(rows, "starts_at", summaryOfBuckets));
  }
  const rowsOf = (table: string, spans: readonly Span[]) =>
    apart(spans).map((spans) =>
      sql`
      select r."timestamp", r.tie_break, ${measureColumns} from ${sql.table(table)} as r ${
        inSpans("timestamp", spans, device)
      }`
    );
  const rows = [...rowsOf("sensor_readings", readings), ...rowsOf("closed_readings", late)];
  if (rows.length > 0) {
    queries.push(grouped(sql.join(rows, sql` union all `), "timestamp", summaryOfReadings));
  }
  for (const spans of apart(late)) {
    // A chunk is of one day.
    const from = dayOf(spans[0]!.fromMicros);
    queries.push(sql`
      select null::float8, ${noAggregates}, r.packed from sensor_history as r ${
      inSpans("first_at", spans, device, { from, lastAt: sql.ref("r.last_at") })
    }`);
  }
  if (queries.length === 0) return sql`select null::float8 as start, null::bytea as packed`;
  return sql.join(queries, sql` union all `);
}

/**
 * Most often there are two spans, a long time apart: what lies between them is
 * not even to be planned for.
 */
function apart(spans: readonly Span[]): readonly (readonly Span[])[] {
  if (spans.length < 2) return spans.length === 0 ? [] : [spans];
  const between = spans.slice(1, -1);
  return [[spans[0]!], [spans.at(-1)!], ...between.length === 0 ? [] : [between]];
}

/**
 * The end of a query of rows `r`, for a device's in the spans, which are in order.
 *
 * @param chunks Of rows that last: since when they may begin, and when they end.
 */
function inSpans(
  column: string,
  spans: readonly Span[],
  device: RawBuilder<unknown>,
  chunks?: { readonly from: number; readonly lastAt: RawBuilder<unknown> },
): RawBuilder<unknown> {
  const at = sql.ref(`r.${column}`);
  const [first, last] = [spans[0]!, spans.at(-1)!];
  const all = sql`where ${device} and ${at} >= ${instant(chunks?.from ?? first.fromMicros)}
    and ${at} < ${instant(last.untilMicros)}`;
  const reaching = (from: RawBuilder<unknown>) =>
    chunks === undefined ? sql`` : sql`and ${chunks.lastAt} >= ${from}`;
  if (spans.length === 1) return sql`${all} ${reaching(instant(first.fromMicros))}`;
  return sql`
    cross join unnest(
      ${timestamptzArray(spans.map(({ fromMicros }) => fromMicros))}::timestamptz[],
      ${timestamptzArray(spans.map(({ untilMicros }) => untilMicros))}::timestamptz[]
    ) as spans("from", until)
    ${all} and ${at} < spans.until
    ${chunks === undefined ? sql`and ${at} >= spans."from"` : reaching(sql`spans."from"`)}`;
}
