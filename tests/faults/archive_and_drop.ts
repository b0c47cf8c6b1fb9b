import assert from "node:assert/strict";
import { readDayFile } from "../../services/backend/archive/read_day_file.ts";
import { FaultRun } from "../support/fault_run.ts";
import { databaseUrl } from "../support/fault_servers.ts";
import { PastRun } from "../support/past_run.ts";
import { startTask } from "../support/task_process.ts";
import { waitUntil } from "../support/wait_until.ts";

const devices = 20;
const days = 3;
const turns = days * 1_440;
const readings = devices * turns;
const kills = 10;
/** Nothing is packed but by hand, so that history is what was packed. */
const keeping = { APP_BACKEND_HISTORY_COMPACTION: "false" };

Deno.test("Nothing is lost when backends are killed while they archive and drop a month", async () => {
  await using run = await FaultRun.open({
    devices,
    perSecond: devices,
    backendEnv: { ...keeping, APP_BACKEND_INGEST_BATCH_SIZE: "1000" },
  });
  // In the midst of a month that is over for long.
  const now = new Date();
  const startUs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 2, 10) * 1_000;
  const past = new PastRun({ devices, startUs, intervalUs: 60_000_000, turns });
  await using publisher = await run.servers.openPublisher();
  const storing = await run.startBackend();
  await publisher.publish(past.announcements());
  await publisher.publish(past.readings());
  await run.stores(readings);
  await demoApp(run, ["history", "compact", "--history-after=1d"]);
  await untilRolledUp(run);
  assert.equal((await run.endBackend(storing, "SIGTERM")).code, 0);

  const dropping = {
    APP_BACKEND_RETENTION_HISTORY: "1d",
    APP_BACKEND_RETENTION_ARCHIVE: run.archive,
  };
  for (let kill = 0; kill < kills; kill++) {
    await (kill % 2 === 0 ? killWhileArchiving(run, dropping) : killWhileDropping(run, dropping));
    assert.equal(await run.servers.stored(), readings);
  }
  const last = await run.startBackend(dropping);
  await waitUntil(async () => await run.servers.stored() === 0, { what: "the month to go" });
  assert.equal((await run.endBackend(last, "SIGTERM")).code, 0);

  const files = (await Array.fromAsync(Deno.readDir(run.archive), ({ name }) => name)).sort();
  const names = Array.from({ length: days }, (_, day) => {
    const ms = startUs / 1_000 + day * 86_400_000;
    return `readings-${new Date(ms).toISOString().slice(0, 10)}.parquet`;
  });
  assert.deepEqual(files, names);
  let archived = 0;
  for (const name of names) {
    for await (const { deviceIds } of readDayFile(`${run.archive}/${name}`)) {
      archived += deviceIds.length;
    }
  }
  assert.equal(archived, readings);

  await run.startBackend();
  await demoApp(run, ["history", "import", ...names.map((name) => `${run.archive}/${name}`)]);
  await past.writeManifest(run.manifest);
  await run.finish({ readings });
});

type Settings = Readonly<Record<string, string>>;

/** Kills a backend while a file is written, or just after. */
async function killWhileArchiving(run: FaultRun, env: Settings): Promise<void> {
  const before = new Set(await namesIn(run.archive));
  const backend = await run.startBackend(env);
  await waitUntil(async () => {
    const names = await namesIn(run.archive);
    return names.some((name) => name.endsWith(".tmp") || !before.has(name)) ||
      // All of the days are archived by now.
      names.length === days && /Found a day archived/.test(backend.output());
  }, { what: "a backend to archive" });
  await run.endBackend(backend, "SIGKILL");
}

/** Has a backend drop the month until it waits for a lock, and kills it then. */
async function killWhileDropping(run: FaultRun, env: Settings): Promise<void> {
  await using locker = await run.servers.session();
  await locker.client.query("begin");
  await locker.client.query("lock table compacted_days in exclusive mode");
  const backend = await run.startBackend(env);
  await waitUntil(async () => {
    const waiting = await run.servers.sql(
      "select from pg_locks where not granted and relation = 'compacted_days'::regclass",
    );
    return waiting.length > 0;
  }, { what: "a backend to drop the month" });
  await run.endBackend(backend, "SIGKILL");
  // Nobody tells it to commit.
  await run.servers.terminateSessions();
  await locker.client.query("rollback");
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await Array.fromAsync(Deno.readDir(directory), ({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Rollups must tell all of what goes. */
async function untilRolledUp(run: FaultRun): Promise<void> {
  await waitUntil(async () => {
    const [row] = await run.servers.sql(`
      select rolled_until > now() - interval '2 hours'
        and not exists (select from rollup_marks) as rolled
      from reading_progress`);
    return row!["rolled"];
  }, { what: "the readings to be rolled up", deadlineMs: 600_000 });
}

async function demoApp(run: FaultRun, args: readonly string[]): Promise<void> {
  await using task = startTask("demo-app", {
    args: [...args, `--db-url=${databaseUrl(run.servers.postgres.url)}`],
  });
  assert.equal((await task.ended).code, 0, task.output());
}
