import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { decodeReading } from "../../services/backend/ingest/decode_reading.ts";
import type { ReadingRow } from "../../services/backend/readings/reading_row.ts";
import { openDatabase } from "../../services/backend/store/connection/open_database.ts";
import { listPartitions } from "../../services/backend/store/partitions/list_partitions.ts";
import { readBuckets } from "../../services/backend/store/rollups/read_buckets.ts";
import { readManifest } from "../../services/generator/run/manifest_file.ts";
import { assertSameBuckets, bucketsOf } from "../support/bucket_oracle.ts";
import { databaseConfig } from "../support/database_config.ts";
import { areContiguous } from "../support/days.ts";
import { type ClockOffset, FakeClock } from "../support/fake_clock.ts";
import { FaultRun } from "../support/fault_run.ts";
import { databaseUrl } from "../support/fault_servers.ts";
import { PastRun } from "../support/past_run.ts";
import type { TaskProcess } from "../support/task_process.ts";
import { waitUntil } from "../support/wait_until.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Between two faults. */
const readingsBetween = 60;
/** Of each fleet beside the generator's: readings of 20 hours. */
const others = { devices: 4, intervalUs: 600_000_000, turns: 120 };
const ofOther = others.devices * others.turns;

type Clock = "backend" | "postgres";

/** Which clocks are wrong at a time, and how; nothing may come of it. */
const jumps: readonly (readonly [ClockOffset, ...Clock[]])[] = [
  ["+1d", "backend"],
  ["+1d", "postgres"],
  ["-1d", "backend"],
  ["-1d", "postgres"],
  ["-1d", "backend", "postgres"],
];

Deno.test("Nothing is lost, doubled, refused or dropped early when clocks are set by a day", async () => {
  await using backendClock = await FakeClock.open();
  await using postgresClock = await FakeClock.open();
  const clocks = { backend: backendClock, postgres: postgresClock };
  const nowMs = Date.now();
  const { oldMs, oldEndMs } = oldMonth(new Date(nowMs));
  // The old month is to go in half a day.
  const kept = `${Math.floor((nowMs - oldEndMs) / hourMs) + 12}h`;
  await using run = await FaultRun.open({
    devices: 20,
    perSecond: 60,
    postgresEnv: postgresClock.env,
    backendEnv: {
      ...backendClock.env,
      APP_BACKEND_HISTORY_AFTER: "1d",
      APP_BACKEND_INGEST_SWEEP_INTERVAL: "1s",
      APP_BACKEND_PARKED_MAX_AGE: "12h",
      APP_BACKEND_PARTITIONS_DAYS_AHEAD: "1",
      APP_BACKEND_RETENTION_RAW: kept,
      APP_BACKEND_RETENTION_HISTORY: kept,
      APP_BACKEND_RETENTION_MINUTE: kept,
    },
  });
  const archiving = { APP_BACKEND_RETENTION_ARCHIVE: run.archive };
  const old = new PastRun({ ...others, seed: 8, startUs: oldMs * 1_000 });
  const yesterday = new PastRun({
    ...others,
    seed: 9,
    startUs: (startOfDay(nowMs) - dayMs) * 1_000,
  });
  // Not within the time of the generator's run, and less than a day ahead.
  const future = new PastRun({
    ...others,
    seed: 10,
    startUs: (startOfHour(nowMs) + 2 * hourMs) * 1_000,
  });

  await using publisher = await run.servers.openPublisher();
  const first = await run.startBackend(archiving);
  // One device is not known until later: its readings are parked.
  const [unknown, ...known] = yesterday.announcements();
  await publisher.publish([...old.announcements(), ...known, ...future.announcements()]);
  await publisher.publish([...old.readings(), ...yesterday.readings()]);
  await run.stores(2 * ofOther - others.turns);
  await waitUntil(async () => await parked(run) === others.turns, {
    what: "readings to be parked",
  });
  await run.demoApp("history", "compact", "--history-after=1d");
  assert.equal((await run.endBackend(first, "SIGTERM")).code, 0);
  let standing = await run.startBackend(archiving);
  await run.rolledUp();
  run.startGenerator();

  const toCome = future.readings();
  const part = Math.ceil(toCome.length / jumps.filter((clocks) => clocks.length < 3).length);
  for (const [offset, ...wrong] of jumps) {
    const what = `${wrong.join(" and ")} ${offset}`;
    await run.flows(readingsBetween);
    for (const name of wrong) await clocks[name].set(offset);
    // Its jobs begin by the wrong clock; those of the other one go on by it.
    const next = await run.startBackend(archiving);
    // By two slow clocks, what is to come would be of the future.
    if (wrong.length === 1) await publisher.publish(toCome.splice(0, part));
    await run.flows(readingsBetween);
    await untilJobsDone(next);
    assert.equal(await parked(run), others.turns, what);
    assert.equal(await packedBefore(run, oldEndMs), ofOther, what);
    assert.deepEqual(await run.archiveNames(), [], what);
    const { openFromMs, rolledUntilMs } = await progressOf(run);
    assert(openFromMs <= startOfDay(Date.now()) - dayMs, `${what}: a day was closed early`);
    assert(rolledUntilMs <= Date.now(), `${what}: rolled up ahead`);
    assert.equal((await run.endBackend(standing, "SIGTERM")).code, 0);
    standing = next;
    for (const name of wrong) await clocks[name].set("+0");
  }
  await run.flows(readingsBetween);
  await publisher.publish([unknown!]);
  await waitUntil(async () => await parked(run) === 0, {
    what: "the parked readings to be stored",
  });
  await verify(run, old, "old");

  // Of both, nobody can tell: then it is a day later.
  for (const clock of Object.values(clocks)) await clock.set("+1d");
  await run.flows(readingsBetween);
  await run.stopGenerator();
  await run.drained();
  const ahead = await run.startBackend(archiving);
  await waitUntil(async () => await packedBefore(run, oldEndMs) === 0, { what: "a month to go" });
  assert.equal(await run.archived(), ofOther);
  await untilJobsDone(ahead);
  await waitUntil(async () => {
    const { openFromMs, rolledUntilMs } = await progressOf(run);
    return openFromMs >= startOfDay(nowMs) && rolledUntilMs > nowMs + dayMs - 2 * hourMs;
  }, { what: "a day to be closed, and hours to be rolled up" });

  // What comes now is of hours that are rolled up.
  for (const clock of Object.values(clocks)) await clock.set("+0");
  run.startGenerator();
  await run.flows(readingsBetween);
  await run.stopGenerator();
  await run.drained();
  await run.startBackend(archiving);
  await run.rolledUp();
  const manifest = (await readManifest(run.manifest))!;
  const ended = manifest.confirmedUntilUs!;
  const turns = Math.ceil((ended - manifest.startUs) / manifest.intervalUs);
  const live = rowsOf(new PastRun({ ...manifest, turns })).filter(({ micros }) => micros < ended);
  await checkStore(run, [...live, ...rowsOf(yesterday), ...rowsOf(future)]);
  await verify(run, yesterday, "yesterday");
  await verify(run, future, "future");
  await run.finish({ readings: live.length });
});

/** Some day of a month that is over for long, and the end of that month. */
function oldMonth(now: Date): { readonly oldMs: number; readonly oldEndMs: number } {
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  return { oldMs: Date.UTC(year, month - 2, 10), oldEndMs: Date.UTC(year, month - 1) };
}

function startOfDay(ms: number): number {
  return Math.floor(ms / dayMs) * dayMs;
}

function startOfHour(ms: number): number {
  return Math.floor(ms / hourMs) * hourMs;
}

function rowsOf(run: PastRun): readonly ReadingRow[] {
  return run.readings().map(({ body }) => decodeReading(body, Date.now() + dayMs));
}

async function parked(run: FaultRun): Promise<number> {
  return await run.servers.number("select count(*) from parked_readings");
}

async function packedBefore(run: FaultRun, untilMs: number): Promise<number> {
  return await run.servers.number(`select coalesce(sum(readings), 0) from sensor_history
    where first_at < to_timestamp(${untilMs / 1_000})`);
}

async function progressOf(
  run: FaultRun,
): Promise<{ readonly openFromMs: number; readonly rolledUntilMs: number }> {
  const micros = (column: string) =>
    run.servers.number(`select extract(epoch from ${column}) * 1000 from reading_progress`);
  return { openFromMs: await micros("open_from"), rolledUntilMs: await micros("rolled_until") };
}

const jobs = ["compact_history", "expire_parked", "make_partitions", "retention", "roll_up"];

/** Waits until a backend has done all of its jobs once. */
async function untilJobsDone(backend: TaskProcess): Promise<void> {
  const { groups } = /"metrics":"(?<url>[^"]+)"/.exec(backend.output())!;
  await waitUntil(async () => {
    const metrics = await (await fetch(groups!["url"]!)).text();
    return jobs.every((job) =>
      new RegExp(`^job_last_success_timestamp_seconds{.*job_name="${job}".*} [1-9]`, "m")
        .test(metrics)
    );
  }, { what: "the jobs to be done" });
}

/** That rollups are the aggregates of these readings, and every instant has a partition. */
async function checkStore(run: FaultRun, rows: readonly ReadingRow[]): Promise<void> {
  const url = databaseUrl(run.servers.postgres.url).href;
  await using database = await openDatabase(databaseConfig(url), getLogger("clock-jumps"));
  const { db } = database;
  const all = {
    fromMicros: Math.min(...rows.map(({ micros }) => micros)),
    untilMicros: Math.max(...rows.map(({ micros }) => micros)) + 1,
  };
  for (const deviceId of new Set(rows.map(({ deviceId }) => deviceId))) {
    for (const bucketSeconds of [60, 3_600, 86_400]) {
      const query = { ...all, deviceId, bucketSeconds };
      const found = await readBuckets(db, defaultTenant, query);
      assertSameBuckets(found, bucketsOf(rows, query), `${deviceId} by ${bucketSeconds} s`);
    }
  }
  const partitions = await listPartitions(db, "sensor_readings");
  assert(areContiguous(partitions));
  assert(partitions.at(-1)!.untilMicros > all.untilMicros);
}

async function verify(run: FaultRun, past: PastRun, name: string): Promise<void> {
  const manifest = `${run.manifest}.${name}`;
  await past.writeManifest(manifest);
  await run.demoApp("verify", `--manifest=${manifest}`);
}
