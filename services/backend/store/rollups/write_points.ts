import { type Kysely, sql } from "kysely";
import { measures } from "#shared/telemetry/measures.ts";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { float8Array, timestamptzArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import type { BucketPoint, MeasureSummary } from "./bucket_point.ts";
import { rollupColumns } from "./rollup_columns.ts";
import type { RollupLevel } from "./rollup_levels.ts";
import { upsertBuckets } from "./upsert_buckets.ts";

type Field = keyof MeasureSummary;

/** Writes buckets of a device that were made up here; see `upsertBuckets`. */
export async function writePoints(
  transaction: Kysely<Database>,
  level: RollupLevel,
  { tenantId, deviceId, points }: {
    readonly tenantId: TenantId;
    readonly deviceId: string;
    readonly points: readonly BucketPoint[];
  },
): Promise<number> {
  const columns = columnsOf(points);
  const values = rollupColumns.map((name) => sql`${float8Array(columns.get(name)!)}::float8[]`);
  const rows = sql`
    select ${tenantId}::int, ${deviceId}::text, starts_at, ${
    sql.join(rollupColumns.map((name) => isCount(name) ? sql`${sql.id(name)}::int` : sql.id(name)))
  } from unnest(
      ${timestamptzArray(points.map(({ startMicros }) => startMicros))}::timestamptz[],
      ${sql.join(values)}
    ) as point(starts_at, ${sql.join(rollupColumns.map((name) => sql.id(name)))})`;
  return await upsertBuckets(transaction, level, rows);
}

function isCount(column: string): boolean {
  return column === "readings" || column.endsWith("_count");
}

/** By `rollupColumns`. */
function columnsOf(
  points: readonly BucketPoint[],
): ReadonlyMap<string, readonly (number | undefined)[]> {
  const columns = new Map<string, readonly (number | undefined)[]>([
    ["readings", points.map(({ readings }) => readings)],
  ]);
  measures.forEach(({ column }, of) => {
    const add = (name: Field) =>
      columns.set(`${column}_${name}`, points.map(({ measures }) => measures[of]?.[name]));
    columns.set(`${column}_count`, points.map(({ measures }) => measures[of]?.count ?? 0));
    for (const name of ["min", "max", "mean", "last"] as const) add(name);
  });
  return columns;
}
