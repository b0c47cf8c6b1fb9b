import type { Kysely } from "kysely";
import { inTransaction } from "../connection/in_transaction.ts";
import type { Database } from "../database.ts";
import { dayMicros, dayOf, partitionName } from "./days.ts";
import { listPartitions, type Partition } from "./list_partitions.ts";
import { makePartition } from "./make_partition.ts";
import { lockPartitions } from "./partition_lock.ts";

/** Days that are made one by one; of a longer time that nobody wrote in, one partition is made. */
const mostDays = 31;

/**
 * Sees to it that every instant before `untilMicros` has its partition of
 * `sensor_readings`. Several at once take turns, and each finds what the others made.
 *
 * @returns what was not there.
 */
export async function makeDays(
  db: Kysely<Database>,
  untilMicros: number,
): Promise<readonly Partition[]> {
  if ((await newestEnd(db)) >= untilMicros) return [];
  return await inTransaction(db, async (transaction) => {
    await lockPartitions(transaction);
    const missing = daysBetween(await newestEnd(transaction), untilMicros);
    for (const day of missing) await makePartition(transaction, "sensor_readings", day);
    return missing;
  });
}

async function newestEnd(db: Kysely<Database>): Promise<number> {
  return (await listPartitions(db, "sensor_readings")).at(-1)?.untilMicros ?? -Infinity;
}

/** As partitions, the days from `fromMicros` on, so that the last one ends at `untilMicros` or after. */
export function daysBetween(fromMicros: number, untilMicros: number): readonly Partition[] {
  const end = dayOf(untilMicros + dayMicros - 1);
  const first = Math.max(fromMicros, end - mostDays * dayMicros);
  const days: Partition[] = [];
  const add = (fromMicros: number, untilMicros: number) =>
    days.push({ name: partitionName(fromMicros, untilMicros), fromMicros, untilMicros });
  if (first > fromMicros) add(fromMicros, first);
  for (let day = first; day < end; day += dayMicros) add(day, day + dayMicros);
  return days;
}
