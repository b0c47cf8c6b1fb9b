import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { backendConfig } from "../../../tests/support/backend_run.ts";
import { pgbouncerPath, startPgbouncer } from "../../../tests/support/pgbouncer.ts";
import { createTestDatabase, postgresUrl } from "../../../tests/support/postgres.ts";
import { device, readingRow } from "../../../tests/support/store_rows.ts";
import { waitUntil } from "../../../tests/support/wait_until.ts";
import { onOneReplica } from "./connection/on_one_replica.ts";
import { answers, openBackendDatabase } from "./connection/open_database.ts";
import type { BackendDatabase, Database } from "./database.ts";
import { writeDevices } from "./devices/write_devices.ts";
import { pageReadings } from "./readings/page_readings.ts";
import { writeReadings } from "./readings/write_readings.ts";
import { migrateToLatest } from "./schema/migrate.ts";

const log = getLogger("pooled-database-test");
const nobodyLeaves = new AbortController().signal;

function test(
  name: string,
  run: (database: BackendDatabase, url: string) => Promise<void>,
): void {
  Deno.test({
    name: `openBackendDatabase behind a pooler of transactions ${name}`,
    ignore: postgresUrl === undefined || pgbouncerPath === undefined,
    async fn() {
      await using server = await createTestDatabase();
      await using pooler = await startPgbouncer(server.url, { mode: "transaction", sessions: 3 });
      await using database = await open(pooler.url);
      await run(database, pooler.url);
    },
  });
}

function open(url: string): Promise<BackendDatabase> {
  return openBackendDatabase(backendConfig({ "db-url": url, "db-query-timeout": "600s" }), log);
}

test("migrates, writes and reads", async ({ ingest, query, maintenance, probe }) => {
  await migrateToLatest(maintenance, log, { beside: ingest });
  const rows = [1, 2, 3].map((nanos) => readingRow("d", { nanos: nanos * 1_000 }));
  const parked = { stored: 0, parked: 3 };
  assert.deepEqual(await writeReadings(ingest, defaultTenant, rows), parked);
  await writeDevices(ingest, defaultTenant, [device("d")]);
  assert.deepEqual(await writeReadings(ingest, defaultTenant, rows), { stored: 0, parked: 0 });
  const page = (db: Kysely<Database>) =>
    pageReadings(db, defaultTenant, { deviceId: "d", before: undefined, limit: 10 });
  for (const read of [await query.run(nobodyLeaves, page), await page(maintenance)]) {
    assert.deepEqual(read.map(({ reading }) => reading.nanos), [3_000, 2_000, 1_000]);
  }
  assert.equal(await answers(probe), true);
});

test("ends a query in the server when its caller leaves", async ({ query, maintenance }) => {
  const sleeping = async () => {
    const { rows } = await sql`
      select from pg_stat_activity where datname = current_database() and state = 'active'
      and pid <> pg_backend_pid() and query like '%pg_sleep%'`.execute(maintenance);
    return rows.length;
  };
  for (const sleep of [sql`select pg_sleep(600)`, sql`select pg_sleep(${600})`]) {
    const caller = new AbortController();
    const running = query.run(caller.signal, (db) => sleep.execute(db));
    running.catch(() => {});
    await waitUntil(async () => await sleeping() === 1, { what: "the query to run" });
    const left = new Error("the caller left");
    caller.abort(left);
    await assert.rejects(running, left);
    await waitUntil(async () => await sleeping() === 0, { what: "the query to end" });
  }
  await query.run(nobodyLeaves, answers);
});

test("keeps a job to one replica", async ({ maintenance }, url) => {
  await using another = await open(url);
  const beside = () => onOneReplica(another.maintenance, "sweep", () => Promise.resolve("beside"));
  const done = await onOneReplica(maintenance, "sweep", async (transaction) => {
    assert.equal(await beside(), undefined);
    return (await sql<{ n: number }>`select ${1}::int as n`.execute(transaction)).rows;
  });
  assert.deepEqual(done, [{ n: 1 }]);
  assert.equal(await beside(), "beside");
});
