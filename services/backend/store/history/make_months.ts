import type { Kysely } from "kysely";
import { inTransaction } from "../connection/in_transaction.ts";
import type { Database } from "../database.ts";
import { isoDay } from "../partitions/days.ts";
import { listPartitions, type Partition } from "../partitions/list_partitions.ts";
import { makePartition } from "../partitions/make_partition.ts";
import { lockPartitions } from "../partitions/partition_lock.ts";

/**
 * Sees to it that history has a partition for the month (UTC) of each of the instants.
 *
 * @returns whether one was made.
 */
export async function makeMonths(db: Kysely<Database>, micros: Iterable<number>): Promise<boolean> {
  const months = new Map([...micros].map((instant) => {
    const month = monthOf(instant);
    return [month.name, month];
  }));
  if ((await missing(db, months)).length === 0) return false;
  return await inTransaction(db, async (transaction) => {
    await lockPartitions(transaction);
    const wanted = await missing(transaction, months);
    for (const month of wanted) {
      await makePartition(transaction, "sensor_history", month, { promised: false });
    }
    return wanted.length > 0;
  });
}

async function missing(
  db: Kysely<Database>,
  months: ReadonlyMap<string, Partition>,
): Promise<readonly Partition[]> {
  const there = new Set((await listPartitions(db, "sensor_history")).map(({ name }) => name));
  return [...months.values()].filter(({ name }) => !there.has(name));
}

function monthOf(micros: number): Partition {
  const at = new Date(micros / 1_000);
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
  const fromMicros = Date.UTC(year, month) * 1_000;
  const untilMicros = Date.UTC(year, month + 1) * 1_000;
  const name = `sensor_history_${isoDay(fromMicros).slice(0, 7).replace("-", "")}`;
  return { name, fromMicros, untilMicros };
}
