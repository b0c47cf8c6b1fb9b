import { type RawBuilder, sql } from "kysely";
import { measures } from "#shared/telemetry/measures.ts";

/** How rows of one bucket come to one row, as two select lists, one around the other. */
export interface BucketSummary {
  /** Of the query that groups the rows by bucket. */
  readonly aggregates: RawBuilder<unknown>;
  /** Of the query around it: `rollupColumns`. */
  readonly columns: RawBuilder<unknown>;
}

type Measure = (typeof measures)[number];

/** Measures that have their last values from the same row: those that each reading has, and each other by itself. */
export const newestGroups: readonly (readonly Measure[])[] = [
  measures.filter(({ optional }) => !optional),
  ...measures.filter(({ optional }) => optional).map((measure) => [measure]),
].filter((group) => group.length > 0);

/** Where the aggregates tell of each group, in the same order. */
export const newestColumns: readonly string[] = newestGroups.map((_, group) => `newest_${group}`);

/** Numbers before the values of a group: instant, and the halves of the tie break, which order as it does. */
export const newestKeyLength = 3;

/** Of rows of `sensor_readings`. */
export const summaryOfReadings: BucketSummary = summaryOf({
  readings: sql`count(*)::int`,
  key:
    sql`date_part('epoch', "timestamp"), (tie_break >> 32)::float8, (tie_break & 4294967295)::float8`,
  count: ({ column }) => sql`count(${sql.ref(column)})::int`,
  least: ({ column }) => sql.ref(column),
  most: ({ column }) => sql.ref(column),
  mean: ({ column, optional }) =>
    sql`sum(${sql.ref(column)}) / ${optional ? sql`count(${sql.ref(column)})` : sql`count(*)`}`,
  last: ({ column }) => sql.ref(column),
});

/** Of rows of a table of rollups, which are of narrower buckets. */
export const summaryOfBuckets: BucketSummary = summaryOf({
  readings: sql`sum(readings)::int`,
  key: sql`date_part('epoch', starts_at), 0, 0`,
  count: ({ column }) => sql`sum(${sql.ref(`${column}_count`)})::int`,
  least: ({ column }) => sql.ref(`${column}_min`),
  most: ({ column }) => sql.ref(`${column}_max`),
  mean: ({ column, optional }) => {
    const count = sql.ref(optional ? `${column}_count` : "readings");
    return sql`sum(${sql.ref(`${column}_mean`)} * ${count}) / sum(${count})`;
  },
  last: ({ column }) => sql.ref(`${column}_last`),
});

interface RowParts {
  readonly readings: RawBuilder<unknown>;
  readonly key: RawBuilder<unknown>;
  readonly count: (measure: Measure) => RawBuilder<unknown>;
  readonly least: (measure: Measure) => RawBuilder<unknown>;
  readonly most: (measure: Measure) => RawBuilder<unknown>;
  readonly mean: (measure: Measure) => RawBuilder<unknown>;
  readonly last: (measure: Measure) => RawBuilder<unknown>;
}

function summaryOf(row: RowParts): BucketSummary {
  const aggregates = [sql`${row.readings} as readings`];
  const columns: RawBuilder<unknown>[] = [sql.ref("readings")];
  for (const measure of measures) {
    const { column, optional } = measure;
    const add = (name: string, aggregate: RawBuilder<unknown>) => {
      aggregates.push(sql`${aggregate} as ${sql.id(`${column}_${name}`)}`);
      columns.push(sql.ref(`${column}_${name}`));
    };
    if (optional) add("count", row.count(measure));
    add("min", sql`min(${row.least(measure)})`);
    add("max", sql`max(${row.most(measure)})`);
    add("mean", row.mean(measure));
    columns.push(sql`${lastOf(measure)} as ${sql.id(`${column}_last`)}`);
  }
  newestGroups.forEach((group, at) => {
    const newest = sql`max(array[${row.key}, ${sql.join(group.map(row.last))}])`;
    const unset = group.filter(({ optional }) => optional)
      .map((measure) => sql`filter (where ${row.last(measure)} is not null)`);
    aggregates.push(sql`${newest} ${sql.join(unset)} as ${sql.id(newestColumns[at]!)}`);
  });
  return { aggregates: sql.join(aggregates), columns: sql.join(columns) };
}

function lastOf(measure: Measure): RawBuilder<unknown> {
  const group = newestGroups.findIndex((group) => group.includes(measure));
  const place = newestKeyLength + newestGroups[group]!.indexOf(measure) + 1;
  return sql`(${sql.id(newestColumns[group]!)})[${sql.lit(place)}]`;
}
