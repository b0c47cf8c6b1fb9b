import { type Kysely, type RawBuilder, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { unpackReadings } from "../../history/unpack_readings.ts";
import type { Database } from "../database.ts";
import { instant } from "../rows/instant.ts";
import { measureColumns } from "../rows/measure_columns.ts";
import type { PartRow } from "./bucket_point.ts";
import { bucketStartOf } from "./bucket_start.ts";
import { type BucketSummary, summaryOfBuckets, summaryOfReadings } from "./bucket_summary.ts";
import { partNumbers, readPartNumbers } from "./part_numbers.ts";
import { partsOfReadings } from "./parts_of_readings.ts";
import type { BucketPlan, Span } from "./plan_buckets.ts";
import { hourMicros, type RollupTable } from "./rollup_levels.ts";
import { isAsBefore, type RollupProgress } from "./rollup_progress.ts";
import { selectIn, type Source } from "./select_in.ts";

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

/** Of parts, of packed readings, or of none. */
interface FoundRow {
  readonly as_before: boolean;
  readonly marked: readonly number[] | null;
  readonly numbers: Uint8Array | null;
  /** Of the packed readings. */
  readonly first: number | null;
  readonly packed: Uint8Array | null;
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
  const { rows } = await sql<FoundRow>`
    select kept.*, hours.*, parts.*
    from (select ${isAsBefore(progress)} as as_before from reading_progress) as kept
    cross join (
      select array_agg(distinct (extract(epoch from hour) * 1000000)::float8) as marked
      from rollup_marks
      where ${device} and hour >= ${instant(firstHour)} and hour < ${instant(rolledUntil)}
    ) as hours
    left join (${partsOf(device, plan, late, bucketMicros)}) as parts on true`.execute(db);
  const unpacked = new Set<number>();
  const found = rows.flatMap(({ numbers, first, packed }) => {
    if (numbers !== null) return readPartNumbers(numbers);
    // One that reaches into several spans is found for each.
    if (first === null || packed === null || unpacked.has(first)) return [];
    unpacked.add(first);
    return partsOfReadings(unpackReadings(packed), late, bucketMicros);
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

const chunkSource: Source = {
  table: "sensor_history",
  columns: sql`r.first_at, r.packed`,
  at: "first_at",
  lastAt: "last_at",
};

const nothing = sql`
  select null::bytea as numbers, null::float8 as first, null::bytea as packed`;

/** A query for each kind of table that the plan reads; without any, one that finds nothing. */
function partsOf(
  device: RawBuilder<unknown>,
  { rollups, readings }: BucketPlan,
  late: readonly Span[],
  bucketMicros: number,
): RawBuilder<unknown> {
  const grouped = (rows: readonly RawBuilder<unknown>[], at: string, summary: BucketSummary) => {
    const all = sql.join(rows, sql` union all `);
    const bucket = bucketStartOf(at, bucketMicros);
    return sql`
      select ${partNumbers} as numbers, null::float8 as first, null::bytea as packed
      from (
        select (extract(epoch from bucket) * 1000000)::float8 as start, ${summary.aggregates}
        from (select r.*, ${bucket} as bucket from (${all}) as r) as r
        group by bucket
      ) as r`;
  };
  const queries: RawBuilder<unknown>[] = [];
  // They are locked in this order, as by who rolls up.
  const tables: readonly RollupTable[] = ["rollups_minute", "rollups_hour", "rollups_day"];
  for (const table of tables) {
    const rows = selectIn({ table, columns: sql`r.*`, at: "starts_at" }, rollups[table], device);
    if (rows.length > 0) queries.push(grouped(rows, "starts_at", summaryOfBuckets));
  }
  const columns = sql`r."timestamp", r.tie_break, ${measureColumns}`;
  const rowsOf = (table: string, spans: readonly Span[]) =>
    selectIn({ table, columns, at: "timestamp" }, spans, device);
  const rows = [...rowsOf("sensor_readings", readings), ...rowsOf("closed_readings", late)];
  if (rows.length > 0) queries.push(grouped(rows, "timestamp", summaryOfReadings));
  const chunks = selectIn(chunkSource, late, device);
  if (chunks.length > 0) {
    queries.push(sql`
      select null::bytea as numbers, (extract(epoch from first_at) * 1000000)::float8 as first, packed
      from (${sql.join(chunks, sql` union all `)}) as r`);
  }
  if (queries.length === 0) return nothing;
  return sql.join(queries, sql` union all `);
}
