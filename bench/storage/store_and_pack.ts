import { type Kysely, sql } from "kysely";
import type { Database } from "../../services/backend/store/database.ts";
import { compactor } from "../../tests/support/compactor.ts";
import { ServiceError } from "../../tools/services/service.ts";
import { say, whole } from "../ingest/output.ts";
import { loadRun, openDays } from "./load_run.ts";
import { rollUpAll } from "./roll_up_all.ts";
import { PlainRows } from "./plain_rows.ts";
import { type Cpu, type MeasuredDatabase, settle } from "./storage_site.ts";
import type { StoredRun } from "./stored_run.ts";
import { type ReadingBytes, tableBytes } from "./table_bytes.ts";
import { verifyStored } from "./verify_stored.ts";

/** Days before today that stay as they are. */
const openDaysBefore = 2;

/** How long some work on readings took. */
export interface Work {
  readonly name: string;
  readonly readings: number;
  readonly seconds: number;
  readonly cpu: Cpu;
}

export interface StoredFigures {
  readonly readings: number;
  readonly bytes: readonly ReadingBytes[];
  readonly works: readonly Work[];
}

/** Of a reading as a row, with its rollups, indexes and what is written ahead; of a plain one, too. */
const bytesPerReading = 250;

/**
 * Stores runs, rolls them up, packs what is old enough of them, and tells
 * what that comes to.
 *
 * @throws {ServiceError} if they do not fit on the disk.
 */
export async function storeAndPack(
  database: MeasuredDatabase,
  runs: readonly StoredRun[],
  { name, plain, verified, signal }: {
    readonly name: string;
    /** Whether the readings are to be in a plain table, too. */
    readonly plain: boolean;
    readonly verified: boolean;
    readonly signal: AbortSignal;
  },
): Promise<StoredFigures> {
  const { db } = database;
  const works: Work[] = [];
  const work = async (
    what: string,
    does: () => Promise<unknown>,
  ): Promise<Omit<Work, "readings">> => {
    const cpuSince = await database.countCpu();
    const startMs = performance.now();
    await does();
    const seconds = (performance.now() - startMs) / 1_000;
    const cpu = await cpuSince();
    say(`${name}: ${what} took ${seconds.toFixed(1)} s`);
    signal.throwIfAborted();
    return { name: `${name}: ${what}`, seconds, cpu };
  };
  const readings = runs.reduce((sum, run) => sum + run.readings, 0);
  const devices = runs.reduce((sum, { deviceIds }) => sum + deviceIds.length, 0);
  const all = async (what: string, does: () => Promise<unknown>) => {
    works.push({ ...await work(what, does), readings });
  };
  say(`${name}: ${whole(readings)} readings of ${whole(devices)} devices`);
  const needed = readings * bytesPerReading * (plain ? 2 : 1);
  const free = await database.freeBytes();
  if (free !== undefined && free < needed) {
    const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
    throw new ServiceError(
      `Cannot store ${whole(readings)} readings: ${gigabytes(free)} are free, and they need ` +
        `${gigabytes(needed)}. Try smaller --readings`,
    );
  }
  const verifyAll = async () => {
    for (const run of runs) await verifyStored(db, run, signal);
  };
  await openDays(db, Math.min(...runs.map(({ manifest }) => manifest.startUs)));
  await all("stored", async () => {
    for (const run of runs) await loadRun(db, run, signal);
  });
  await settle(database);
  const bytes: ReadingBytes[] = [
    { form: `${name}, rows`, readings, ...await tableBytes(db, "sensor_readings") },
  ];
  if (verified) await all("verified as rows", () => verifyAll());
  await all("rolled up", () => rollUpAll(db, signal));
  if (plain) {
    await all("copied to plain rows", () => new PlainRows(db).copy());
  }
  const packing = await work("closed and packed", () => packAll(db, signal));
  const packed = await packedTotals(db);
  works.push({ ...packing, readings: packed.readings });
  await settle(database);
  if (verified) {
    const share = (100 * packed.readings / readings).toFixed(0);
    await all(`verified, ${share} % packed`, () => verifyAll());
  }
  bytes.push({
    form: `${name}, packed`,
    readings: packed.readings,
    packed: packed.bytes,
    ...await tableBytes(db, "sensor_history"),
  });
  for (const table of ["rollups_minute", "rollups_hour", "rollups_day"]) {
    bytes.push({ form: `${name}, ${table}`, readings, ...await tableBytes(db, table) });
  }
  return { readings, bytes, works };
}

/** As the job does. */
async function packAll(db: Kysely<Database>, signal: AbortSignal): Promise<void> {
  const packing = compactor(db, openDaysBefore);
  while (await packing.step(signal) === "more") signal.throwIfAborted();
}

async function packedTotals(
  db: Kysely<Database>,
): Promise<{ readonly readings: number; readonly bytes: number }> {
  return await db.selectFrom("sensor_history")
    .select([
      sql<number>`coalesce(sum(readings), 0)::float8`.as("readings"),
      sql<number>`coalesce(sum(length(packed)), 0)::float8`.as("bytes"),
    ])
    .executeTakeFirstOrThrow();
}
