import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import { older } from "../partitions/close_days.ts";
import { dayMicros, isoDay } from "../partitions/days.ts";
import type { PartitionedTable } from "../partitions/list_partitions.ts";
import { dueParts, type NextDrop, nextDrop } from "../retention/due_parts.ts";
import { firstInstant } from "../retention/first_instant.ts";
import { type KeptPart, keptParts } from "../retention/kept_parts.ts";
import type { ReadingsTable } from "../retention/read_day.ts";
import { relationSizes } from "../retention/relation_sizes.ts";
import type { RetentionPolicy } from "../retention/retention_policy.ts";

/** What is stored; each is the label of its metrics. */
export type StoredKind = "rows" | "closed" | "history" | "minute" | "hour" | "day" | "parked";

export interface StoredSize {
  readonly kind: StoredKind;
  readonly partitions: number;
  readonly tableBytes: number;
  /** On a cluster of Citus 0, and counted with the table. */
  readonly indexBytes: number;
}

/** What is to be packed by now, and is not. */
export interface CompactionBacklog {
  readonly days: number;
  /** About. */
  readonly readings: number;
}

export interface StorageState {
  readonly sizes: readonly StoredSize[];
  /** Instants of the first reading and of the last, in Unix microseconds. */
  readonly oldestMicros: number | undefined;
  readonly newestMicros: number | undefined;
  readonly compaction: CompactionBacklog;
  /** Partitions whose time is over. */
  readonly due: number;
  readonly next: NextDrop | undefined;
}

export interface StorageOptions {
  readonly policy: RetentionPolicy;
  /** From a day's end until it is to be packed, if it is, in milliseconds. */
  readonly afterMs: number;
  readonly nowMs: number;
}

/** Of a reading as a row with its index. */
const rowBytes = 200;

const tables: readonly (readonly [StoredKind, PartitionedTable | undefined, ...string[]])[] = [
  ["rows", "sensor_readings"],
  ["closed", "closed_readings"],
  ["history", "sensor_history", "staged_history"],
  ["minute", "rollups_minute"],
  ["hour", "rollups_hour"],
  ["day", "rollups_day"],
  ["parked", undefined, "parked_readings"],
];

/** How much is stored, and how far what is done with it by and by is. It counts no rows. */
export async function measureStorage(
  db: Kysely<Database>,
  { policy, afterMs, nowMs }: StorageOptions,
): Promise<StorageState> {
  const parts = await keptParts(db);
  const oldestMicros = await oldestReading(db, parts);
  return {
    sizes: await sizesOf(db, parts),
    oldestMicros,
    newestMicros: await newestReading(db),
    compaction: policy.packs
      ? await backlogOf(db, parts, (nowMs - afterMs) * 1_000, oldestMicros ?? Infinity)
      : { days: 0, readings: 0 },
    due: dueParts(parts, policy, nowMs)
      .filter(({ rowsBeforeMicros }) => rowsBeforeMicros === undefined).length,
    next: nextDrop(parts, policy, nowMs),
  };
}

async function sizesOf(
  db: Kysely<Database>,
  parts: readonly KeptPart[],
): Promise<readonly StoredSize[]> {
  const names = tables.map(([kind, table, ...others]) => ({
    kind,
    ofTable: parts.filter((part) => part.table === table).map(({ partition }) => partition.name),
    others,
  }));
  const all = names.flatMap(({ ofTable, others }) => [...ofTable, ...others]);
  const sizes = await relationSizes(db, all);
  return names.map(({ kind, ofTable, others }) => {
    const found = [...ofTable, ...others].flatMap((name) => sizes.get(name) ?? []);
    return {
      kind,
      partitions: ofTable.length,
      tableBytes: found.reduce((sum, { tableBytes }) => sum + tableBytes, 0),
      indexBytes: found.reduce((sum, { indexBytes }) => sum + indexBytes, 0),
    };
  });
}

/** In the first partition that has any; of those that begin together, in each. */
async function oldestReading(
  db: Kysely<Database>,
  parts: readonly KeptPart[],
): Promise<number | undefined> {
  const ofReadings = parts.filter(({ kind }) => kind === "rows" || kind === "history")
    .toSorted((a, b) => a.partition.fromMicros - b.partition.fromMicros);
  let oldest = Infinity;
  for (const { table, partition } of ofReadings) {
    if (partition.fromMicros >= oldest) break;
    const first = await firstInstant(db, table as ReadingsTable, partition);
    oldest = Math.min(oldest, first ?? Infinity);
  }
  return oldest === Infinity ? undefined : oldest;
}

/** As the rows of devices tell it, which may be some seconds behind. */
async function newestReading(db: Kysely<Database>): Promise<number | undefined> {
  const { newest } = await db.selectFrom("iot_devices")
    .select((is) =>
      sql<number | null>`
        (extract(epoch from ${is.fn.max("latest_timestamp")}) * 1000000)::float8`.as("newest")
    )
    .executeTakeFirstOrThrow();
  return newest ?? undefined;
}

async function backlogOf(
  db: Kysely<Database>,
  parts: readonly KeptPart[],
  untilMicros: number,
  oldestMicros: number,
): Promise<CompactionBacklog> {
  const expanded = await db.selectFrom("compacted_days")
    .select(sql<string>`day::text`.as("day")).where("expanded", "=", true).execute();
  const asRows = new Set(expanded.map(({ day }) => day));
  const newest = parts.findLast(({ table }) => table === "sensor_readings");
  const waiting = parts.filter((part) =>
    part.kind === "rows" && part !== newest && part.partition.name !== older &&
    part.partition.untilMicros <= untilMicros &&
    !(part.partition.fromMicros > -Infinity && asRows.has(isoDay(part.partition.fromMicros)))
  );
  const days = waiting.reduce((sum, { partition: { fromMicros, untilMicros } }) => {
    const from = Math.max(fromMicros, oldestMicros);
    return sum + Math.max(0, Math.ceil((untilMicros - from) / dayMicros));
  }, 0);
  return { days, readings: await rowsAbout(db, waiting) };
}

/** By what the planner counts on; of what it does not know, as of shards, by the bytes. */
async function rowsAbout(db: Kysely<Database>, parts: readonly KeptPart[]): Promise<number> {
  const names = parts.map(({ partition }) => partition.name);
  const { rows } = await sql<{ readonly name: string; readonly rows: number }>`
    select c.relname::text as name, c.reltuples::float8 as rows
    from json_array_elements_text(${JSON.stringify(names)}) as names(name)
      join pg_class c on c.oid = to_regclass(names.name)
    where c.reltuples > 0`.execute(db);
  const known = new Map(rows.map(({ name, rows }) => [name, rows]));
  return Math.round(parts.reduce(
    (sum, { partition, bytes }) => sum + (known.get(partition.name) ?? bytes / rowBytes),
    0,
  ));
}
