import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { makePartition } from "../partitions/make_partition.ts";
import { lockPartitions } from "../partitions/partition_lock.ts";
import type { Partition } from "../partitions/list_partitions.ts";
import type { RollupLevel } from "./rollup_levels.ts";

/**
 * Sees to it that every bucket from `fromMicros` until before `untilMicros` has its partition.
 *
 * @returns whether one was made.
 */
export async function makeRollupPartitions(
  transaction: Kysely<Database>,
  level: RollupLevel,
  fromMicros: number,
  untilMicros: number,
): Promise<boolean> {
  const needed = partitionsOf(level, fromMicros, untilMicros);
  if ((await missingOf(transaction, needed)).length === 0) return false;
  await lockPartitions(transaction);
  // Somebody else may have made them meanwhile.
  const missing = await missingOf(transaction, needed);
  for (const partition of missing) {
    await makePartition(transaction, level.table, partition, { promised: false });
  }
  return missing.length > 0;
}

async function missingOf(
  db: Kysely<Database>,
  partitions: readonly Partition[],
): Promise<readonly Partition[]> {
  const { rows } = await sql<{ readonly name: string }>`
    select name from unnest(${partitions.map(({ name }) => name)}::text[]) as needed(name)
    where to_regclass(name) is null`.execute(db);
  const missing = new Set(rows.map(({ name }) => name));
  return partitions.filter(({ name }) => missing.has(name));
}

/** Those of a table that hold the instants from `fromMicros` until before `untilMicros`, in order. */
export function partitionsOf(
  { table, partition }: Pick<RollupLevel, "table" | "partition">,
  fromMicros: number,
  untilMicros: number,
): readonly Partition[] {
  const partitions: Partition[] = [];
  const first = new Date(fromMicros / 1_000);
  const month = partition === "month" ? first.getUTCMonth() : 0;
  const step = partition === "month" ? 1 : 12;
  for (let at = month;; at += step) {
    const from = Date.UTC(first.getUTCFullYear(), at) * 1_000;
    if (from >= untilMicros) return partitions;
    const name = `${table}_${new Date(from / 1_000).toISOString().slice(0, step === 1 ? 7 : 4)}`;
    partitions.push({
      name: name.replace("-", ""),
      fromMicros: from,
      untilMicros: Date.UTC(first.getUTCFullYear(), at + step) * 1_000,
    });
  }
}
