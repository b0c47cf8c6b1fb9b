import { type Kysely, sql } from "kysely";
import { withoutLast } from "../../history/without_last.ts";
import type { DeviceKey } from "../../readings/device_key.ts";
import type { Database } from "../database.ts";
import { pageDeviceKeys } from "../rows/page_device_keys.ts";
import { dayMicros, dayOf } from "../partitions/days.ts";
import { listPartitions, type Partition } from "../partitions/list_partitions.ts";
import { instant } from "../rows/instant.ts";
import { type Compaction, findCompaction, firstKey, saveCompaction } from "./compaction.ts";
import { chunksOf } from "./history_chunk.ts";
import { insertChunks } from "./insert_chunks.ts";
import { readColumns } from "./read_columns.ts";

/** Readings before it are not accepted from devices. */
const oldestMicros = Date.UTC(2000, 0, 1) * 1_000;
/** Most of a partition that is packed in one stretch of time, so that it fits in memory there. */
const stretchBytes = 2 * 2 ** 30;
/** Hours that a stretch may be. */
const stretchHours = [24, 12, 8, 6, 4, 3, 2, 1];
/** Readings a step, about. */
const stepReadings = 200_000;
/** Readings of a device a step, at most. */
const deviceReadings = 500_000;
const mostDevices = 5_000;
/**
 * Readings that a step reads, about, if those of a device are many times more than
 * what devices before it had: so that it fits in memory.
 */
const mostReadings = 4_000_000;
/** Days without readings that are passed over a step. */
const mostEmptyDays = 1_000;

/** How a step of packing ended. */
export interface StagedStep {
  /** Readings that were packed. */
  readonly readings: number;
  /** Whether all of the partition is staged. */
  readonly complete: boolean;
  /** Devices that the next step had better read. */
  readonly devices: number;
}

/**
 * Packs a bit more of a closed partition into `staged_history`, in a
 * transaction, and notes how far that has come.
 *
 * @param devices that are read, at most; a step tells the next one.
 */
export async function stageClosed(
  transaction: Kysely<Database>,
  partition: Partition,
  devices: number,
): Promise<StagedStep> {
  const at = await findCompaction(transaction, partition) ?? await begin(transaction, partition);
  // Another replica has packed it meanwhile.
  if (at === undefined) return { readings: 0, complete: true, devices };
  if (at.deviceId === firstKey.deviceId && at.resumedMicros === undefined) {
    const begun = await passEmptyDays(transaction, partition, at);
    if (begun.stretchMicros > at.stretchMicros) {
      await saveCompaction(transaction, partition, begun);
      const complete = begun.stretchMicros >= partition.untilMicros;
      return { readings: 0, complete, devices };
    }
  }
  if (at.stretchMicros >= partition.untilMicros) return { readings: 0, complete: true, devices };
  return await stageDevices(transaction, partition, at, devices);
}

/** Undefined if the partition is there no more. */
async function begin(
  db: Kysely<Database>,
  partition: Partition,
): Promise<Compaction | undefined> {
  const closed = await listPartitions(db, "closed_readings");
  if (!closed.some(({ name }) => name === partition.name)) return undefined;
  const stretchMicros = await beginningOf(db, partition);
  return { ...firstKey, stretchMicros, resumedMicros: undefined, readings: 0 };
}

/** The beginning of its first day, or of one before: what a person has put there may be of any time. */
async function beginningOf(db: Kysely<Database>, { fromMicros }: Partition): Promise<number> {
  if (fromMicros >= oldestMicros) return fromMicros;
  await goByIndex(db);
  const { first } = await db.selectFrom("closed_readings")
    .select(
      sql<number | null>`(extract(epoch from min("timestamp")) * 1000000)::float8`.as("first"),
    )
    .where("timestamp", "<", instant(oldestMicros))
    .executeTakeFirstOrThrow();
  return first === null ? oldestMicros : dayOf(first);
}

/** Few blocks are of a time that has few readings, which the index of instants tells. */
async function goByIndex(db: Kysely<Database>): Promise<void> {
  await sql`select set_config('enable_seqscan', 'off', true)`.execute(db);
}

/** Up to the first day that has readings, or some way. */
async function passEmptyDays(
  db: Kysely<Database>,
  { untilMicros }: Partition,
  at: Compaction,
): Promise<Compaction> {
  await goByIndex(db);
  let { stretchMicros } = at;
  for (let passed = 0; stretchMicros < untilMicros && passed < mostEmptyDays; passed++) {
    const found = await db.selectFrom("closed_readings").select("timestamp")
      .where("timestamp", ">=", instant(stretchMicros))
      .where("timestamp", "<", instant(stretchMicros + dayMicros))
      .limit(1).executeTakeFirst();
    if (found !== undefined) break;
    stretchMicros += dayMicros;
  }
  return { ...at, stretchMicros };
}

async function stageDevices(
  transaction: Kysely<Database>,
  partition: Partition,
  at: Compaction,
  devices: number,
): Promise<StagedStep> {
  const { stretchMicros } = at;
  const untilMicros = stretchMicros + await stretchOf(transaction, partition);
  const keys = await nextDevices(transaction, at, devices);
  const first = keys[0];
  if (first === undefined) {
    await saveCompaction(transaction, partition, {
      ...firstKey,
      stretchMicros: untilMicros,
      resumedMicros: undefined,
      readings: at.readings,
    });
    return { readings: 0, complete: untilMicros >= partition.untilMicros, devices };
  }
  const { tenantId } = first;
  const limit = Math.min(Math.ceil(mostReadings / keys.length), deviceReadings);
  const ofTenant = keys.filter((key) => key.tenantId === tenantId);
  const read = await readColumns(transaction, "closed_readings", {
    tenantId,
    deviceIds: ofTenant.map(({ deviceId }) => deviceId),
    fromMicros: stretchMicros,
    untilMicros,
    resumed: { deviceId: at.deviceId, fromMicros: at.resumedMicros ?? stretchMicros },
    limit,
  });
  // What comes after one that was not read to its end is left to the next step.
  const cutAt = read.findIndex(({ count }) => count === limit);
  const cut = cutAt < 0 ? undefined : withoutLast(read[cutAt]!);
  const packed = cut === undefined
    ? read
    : [...read.slice(0, cutAt), ...cut.count > 0 ? [cut] : []];
  const last = ofTenant[packed.length - 1];
  if (last === undefined) {
    if (keys.length === 1) throw new Error(`Cannot pack: ${limit} readings in one microsecond`);
    // Of that device alone, more is read.
    return { readings: 0, complete: false, devices: 1 };
  }
  const chunks = packed.flatMap((columns, place) =>
    chunksOf(tenantId, ofTenant[place]!.deviceId, columns)
  );
  await insertChunks(transaction, "staged_history", chunks);
  const readings = packed.reduce((sum, { count }) => sum + count, 0);
  await saveCompaction(transaction, partition, {
    stretchMicros,
    tenantId,
    deviceId: last.deviceId,
    resumedMicros: packed.at(-1) === cut ? read[cutAt]!.micros.at(-1)! : undefined,
    readings: at.readings + readings,
  });
  const wanted = Math.round(packed.length * stepReadings / Math.max(readings, 1));
  return { readings, complete: false, devices: Math.min(Math.max(wanted, 1), mostDevices) };
}

async function stretchOf(
  db: Kysely<Database>,
  { name, fromMicros, untilMicros }: Partition,
): Promise<number> {
  const { rows: [size] } = await sql<{ readonly bytes: number }>`
    select pg_relation_size(to_regclass(${name}))::float8 as bytes`.execute(db);
  const days = (untilMicros - Math.max(fromMicros, oldestMicros)) / dayMicros;
  const bytesPerHour = size!.bytes / days / 24;
  const hours = stretchHours.find((hours) => hours * bytesPerHour <= stretchBytes) ?? 1;
  return dayMicros * hours / 24;
}

async function nextDevices(
  db: Kysely<Database>,
  { tenantId, deviceId, resumedMicros }: Compaction,
  limit: number,
): Promise<readonly DeviceKey[]> {
  const after = { tenantId, deviceId };
  if (resumedMicros === undefined) return await pageDeviceKeys(db, after, limit);
  return [after, ...await pageDeviceKeys(db, after, limit - 1)];
}
