import { type Kysely, sql } from "kysely";
import type { Database } from "../../services/backend/store/database.ts";
import { dayBound, dayMicros, dayOf } from "../../services/backend/store/partitions/days.ts";
import {
  listPartitions,
  type Partition,
} from "../../services/backend/store/partitions/list_partitions.ts";
import type { ReadingRow } from "../../services/backend/readings/reading_row.ts";
import { readingRow } from "./store_rows.ts";

const older = "sensor_readings_older";

/**
 * Has the tables be as when no backend has run since `untilMicros`: no later
 * day has a partition, and none before is open.
 */
export async function loseDays(db: Kysely<Database>, untilMicros: number): Promise<void> {
  await loseClosed(db);
  for (const { name } of await listPartitions(db, "sensor_readings")) {
    if (name !== older) await sql`drop table ${sql.table(name)}`.execute(db);
  }
  await sql`alter table sensor_readings detach partition ${sql.table(older)}`.execute(db);
  await sql`
    alter table sensor_readings attach partition ${sql.table(older)}
      for values from (minvalue) to (${dayBound(dayOf(untilMicros))})`.execute(db);
  await sql`
    update reading_progress set open_from = ${
    sql.lit(new Date(dayOf(untilMicros) / 1_000).toISOString())
  }`
    .execute(db);
}

/** Drops the days that are closed. */
export async function loseClosed(db: Kysely<Database>): Promise<void> {
  for (const { name } of await listPartitions(db, "closed_readings")) {
    await sql`drop table ${sql.table(name)}`.execute(db);
  }
}

/** Days ago, to the microsecond. */
export function daysAgo(days: number): number {
  return Date.now() * 1_000 - days * dayMicros;
}

/** The days that are open, the oldest first. */
export async function openDays(db: Kysely<Database>): Promise<readonly Partition[]> {
  return (await listPartitions(db, "sensor_readings")).filter(({ name }) => name !== older);
}

/** Readings of a device from an instant on, each a microsecond after the one before. */
export function rowsAt(deviceId: string, fromMicros: number, count = 1): readonly ReadingRow[] {
  return Array.from({ length: count }, (_, at) => ({
    ...readingRow(deviceId),
    micros: Math.round(fromMicros) + at,
  }));
}

export interface Places {
  readonly closed: number;
  readonly older: number;
  readonly open: number;
}

/** Where readings are; those that are somewhere twice are counted twice. */
export async function placesOf(db: Kysely<Database>): Promise<Places> {
  const count = async (table: string) => {
    const { rows: [row] } = await sql<{ count: number }>`
      select count(*)::int as count from ${sql.table(table)}`.execute(db);
    return row!.count;
  };
  const late = await count(older);
  const stored = await count("sensor_readings");
  return { closed: await count("closed_readings"), older: late, open: stored - late };
}

/** That there is a partition for every instant, and one only. */
export function areContiguous(partitions: readonly Partition[]): boolean {
  return partitions.every(({ fromMicros, untilMicros }, at) =>
    fromMicros === (at === 0 ? -Infinity : partitions[at - 1]!.untilMicros) &&
    untilMicros > fromMicros
  );
}
