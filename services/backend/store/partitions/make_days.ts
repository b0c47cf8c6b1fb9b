import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { lockLimit } from "../schema/lock_briefly.ts";
import { dayMicros, dayOf, partitionName } from "./days.ts";
import { listPartitions, type Partition } from "./list_partitions.ts";
import { makePartition } from "./make_partition.ts";
import { lockPartitions } from "./partition_lock.ts";

/** Days before today that are made one by one; of those before them that nobody wrote in, one partition is made. */
const daysBack = 31;
/** Days after today, likewise: of what is still to come then, as a clock that is wrong has it, one is made. */
const daysOn = 62;
/** Longest wait for a lock: those who register devices wait behind it. */
const lockMs = 1_000;

/**
 * Sees to it that every instant before `untilMicros` has its partition of
 * `sensor_readings`. Several at once take turns, and each finds what the others made.
 *
 * @returns what was not there.
 * @throws an error of the SQLSTATE 55P03 if others use the tables for too long;
 *   what is made by then stays.
 */
export async function makeDays(
  db: Kysely<Database>,
  untilMicros: number,
): Promise<readonly Partition[]> {
  const made: Partition[] = [];
  while ((await newestEnd(db)) < untilMicros) {
    const next = await db.transaction().execute((transaction) =>
      makeNext(transaction, untilMicros)
    );
    if (next !== undefined) made.push(next);
  }
  return made;
}

/** One a transaction, since the locks are kept until its end. */
async function makeNext(
  transaction: Kysely<Database>,
  untilMicros: number,
): Promise<Partition | undefined> {
  await lockLimit(lockMs).execute(transaction);
  await lockPartitions(transaction);
  const end = await newestEnd(transaction);
  const { rows: [now] } = await sql<{ readonly micros: number }>`
    select (extract(epoch from now()) * 1000000)::float8 as micros`.execute(transaction);
  const [next] = daysBetween(end, untilMicros, now!.micros);
  if (next !== undefined) await makePartition(transaction, "sensor_readings", next);
  return next;
}

async function newestEnd(db: Kysely<Database>): Promise<number> {
  return (await listPartitions(db, "sensor_readings")).at(-1)?.untilMicros ?? -Infinity;
}

/**
 * As partitions, the days from `fromMicros` on, so that the last one ends at
 * `untilMicros` or after: one a day, but for those that are far from today.
 */
export function daysBetween(
  fromMicros: number,
  untilMicros: number,
  nowMicros: number,
): readonly Partition[] {
  const end = dayOf(untilMicros + dayMicros - 1);
  const today = dayOf(nowMicros);
  const clamp = (micros: number) => Math.min(Math.max(micros, fromMicros), end);
  const first = clamp(today - daysBack * dayMicros);
  const last = clamp(today + daysOn * dayMicros);
  const days: Partition[] = [];
  const add = (fromMicros: number, untilMicros: number) => {
    if (fromMicros >= untilMicros) return;
    days.push({ name: partitionName(fromMicros, untilMicros), fromMicros, untilMicros });
  };
  add(fromMicros, first);
  for (let day = first; day < last; day += dayMicros) add(day, day + dayMicros);
  add(last, end);
  return days;
}
