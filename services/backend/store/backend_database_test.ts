import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { backendConfig } from "../../../tests/support/backend_run.ts";
import { daysAgo, rowsAt } from "../../../tests/support/days.ts";
import { createTestDatabase, postgresUrl } from "../../../tests/support/postgres.ts";
import { device } from "../../../tests/support/store_rows.ts";
import { tempPglite } from "../../../tests/support/temp_pglite.ts";
import { waitUntil } from "../../../tests/support/wait_until.ts";
import { translateStoreError } from "../api/iot_service.ts";
import { answers, openBackendDatabase } from "./connection/open_database.ts";
import { retryQuery } from "./connection/retry_query.ts";
import type { BackendDatabase, Database } from "./database.ts";
import { writeDevices } from "./devices/write_devices.ts";
import { lockLate } from "./history/late_lock.ts";
import { mergeLate } from "./history/merge_late.ts";
import { pageReadings } from "./readings/page_readings.ts";
import { writeReadings } from "./readings/write_readings.ts";
import { migrateToLatest } from "./schema/migrate.ts";
import { DatabaseBusyError } from "./turns.ts";

const log = getLogger("backend-database-test");
const nobodyLeaves = new AbortController().signal;

function open(url: string, flags: Readonly<Record<string, string>> = {}): Promise<BackendDatabase> {
  return openBackendDatabase(backendConfig({ "db-url": url, ...flags }), log);
}

function test(name: string, run: (url: string) => Promise<void>): void {
  Deno.test({
    name: `openBackendDatabase ${name}`,
    ignore: postgresUrl === undefined,
    async fn() {
      await using server = await createTestDatabase();
      await run(server.url);
    },
  });
}

/** Statements of this database that sleep just now. */
async function sleeping(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql`
    select from pg_stat_activity where datname = current_database()
    and state = 'active' and query like 'select pg_sleep(%'`.execute(db);
  return rows.length;
}

const sleepFor = (seconds: number) => (db: Kysely<Database>) =>
  sql`select pg_sleep(${sql.lit(seconds)})`.execute(db);

test("ends a query in the server when its caller leaves", async (url) => {
  await using database = await open(url, { "db-query-timeout": "600s" });
  const { query, maintenance } = database;
  const caller = new AbortController();
  const running = query.run(caller.signal, async (db) => {
    await sleepFor(600)(db).catch(() => {});
    // Whatever it does next, nobody waits for it.
    await sleepFor(600)(db);
  });
  const left = new Error("the caller left");
  running.catch(() => {});
  await waitUntil(async () => await sleeping(maintenance) === 1, { what: "the query to run" });
  caller.abort(left);
  await assert.rejects(running, left);
  await waitUntil(async () => await sleeping(maintenance) === 0, { what: "the query to end" });
  await query.run(nobodyLeaves, answers);
});

test("lets the server end a query that takes too long, and runs it once", async (url) => {
  await using database = await open(url, { "db-query-timeout": "100ms" });
  let runs = 0;
  const tooLong = retryQuery(nobodyLeaves, () =>
    database.query.run(nobodyLeaves, (db) => {
      runs++;
      return sleepFor(600)(db);
    }));
  await assert.rejects(tooLong, (error) => {
    assert.equal(translateStoreError(error)?.code, Code.DeadlineExceeded);
    return true;
  });
  assert.equal(runs, 1);
});

test("refuses a query that can't start soon, and keeps the other handles free", async (url) => {
  await using database = await open(url, { "db-query-timeout": "600s", "db-max-connections": "9" });
  const { query, ingest, maintenance, probe } = database;
  const callers = new AbortController();
  const slow = Array.from({ length: 30 }, () => query.run(callers.signal, sleepFor(600)));
  const outcomes = Promise.allSettled(slow);
  let started = false;
  await assert.rejects(
    query.run(nobodyLeaves, async (db) => {
      started = true;
      return await answers(db);
    }),
    (error) => {
      assert.ok(error instanceof DatabaseBusyError);
      assert.equal(translateStoreError(error)?.code, Code.ResourceExhausted);
      return true;
    },
  );
  assert.equal(started, false);
  // 9 connections, less 2 and 1 for writers, and one each for jobs and probes.
  await waitUntil(async () => await sleeping(maintenance) === 4, { what: "4 of 30 to run" });
  for (const handle of [ingest, maintenance, probe]) assert.equal(await answers(handle), true);
  callers.abort(new Error("the callers left"));
  for (const { status } of await outcomes) assert.equal(status, "rejected");
  await waitUntil(async () => await sleeping(maintenance) === 0, { what: "all to end" });
  await query.run(nobodyLeaves, answers);
});

/** Sessions that wait for a lock on this database. */
async function waiting(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql`
    select from pg_locks l join pg_stat_activity a using (pid)
    where not l.granted and a.datname = current_database()`.execute(db);
  return rows.length;
}

test("sees what was committed while it waited, whatever the database would have", async (url) => {
  const name = sql.id(new URL(url).pathname.slice(1));
  await using database = await open(url);
  const { ingest, maintenance, probe } = database;
  await sql`alter database ${name} set default_transaction_isolation = 'repeatable read'`
    .execute(probe);
  await migrateToLatest(maintenance, log, { beside: ingest });
  await writeDevices(maintenance, defaultTenant, [device("a")]);
  const late = rowsAt("a", daysAgo(50));
  await writeReadings(maintenance, defaultTenant, late);
  let merging: Promise<unknown> | undefined;
  let writing: Promise<unknown> | undefined;
  await ingest.transaction().execute(async (transaction) => {
    await lockLate(transaction, "alone");
    merging = mergeLate(maintenance, undefined);
    await waitUntil(async () => await waiting(probe) === 1, { what: "the reading to be packed" });
    writing = writeReadings(ingest, defaultTenant, late);
    await waitUntil(async () => await waiting(probe) === 2, { what: "it to come again" });
  });
  await merging;
  assert.deepEqual(await writing, { stored: 0, parked: 0 });
  const page = { deviceId: "a", before: undefined, limit: 10 };
  assert.equal((await pageReadings(maintenance, defaultTenant, page)).length, 1);
});

Deno.test("openBackendDatabase starts no query of a caller that has left, on PGlite", async () => {
  await using folder = await tempPglite();
  await using database = await open(folder.url);
  const { query, ingest } = database;
  await sql`create table kept (n int)`.execute(ingest);
  const write = (db: Kysely<Database>) => sql`insert into kept values (1)`.execute(db);
  const caller = new AbortController();
  const left = new Error("the caller left");
  await ingest.transaction().execute(async (transaction) => {
    const waiting = query.run(caller.signal, write);
    caller.abort(left);
    await assert.rejects(waiting, left);
    await write(transaction);
  });
  const { rows } = await query.run(nobodyLeaves, (db) => sql`select from kept`.execute(db));
  assert.equal(rows.length, 1);
});
