import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { backendConfig } from "../../../tests/support/backend_run.ts";
import { pgbouncerPath, startPgbouncer } from "../../../tests/support/pgbouncer.ts";
import { createTestDatabase, postgresUrl } from "../../../tests/support/postgres.ts";
import { waitUntil } from "../../../tests/support/wait_until.ts";
import { onOneReplica } from "./connection/on_one_replica.ts";
import { answers, openBackendDatabase } from "./connection/open_database.ts";
import type { BackendDatabase, Database } from "./database.ts";
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
  const ids = ["a", "b"];
  await ingest.insertInto("tenants").values(ids.map((name, at) => ({ tenant_id: at + 7, name })))
    .execute();
  const kept = (db: Kysely<Database>) =>
    db.selectFrom("tenants").select("name").where("tenant_id", ">=", 7).orderBy("name").execute();
  const names = ids.map((name) => ({ name }));
  for (const db of [ingest, maintenance, probe]) assert.deepEqual(await kept(db), names);
  assert.deepEqual(await query.run(nobodyLeaves, kept), names);
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
