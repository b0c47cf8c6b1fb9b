import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { Kysely, PostgresDialect, sql } from "kysely";
import { databaseConfig } from "../../../../../tests/support/database_config.ts";
import {
  type PgbouncerOptions,
  pgbouncerPath,
  startPgbouncer,
} from "../../../../../tests/support/pgbouncer.ts";
import { createTestDatabase, postgresUrl } from "../../../../../tests/support/postgres.ts";
import { SessionPool } from "../session_pool.ts";
import type { SessionSetting } from "../session_settings.ts";

type Db = Kysely<unknown>;

const wanted: readonly SessionSetting[] = [
  { name: "statement_timeout", value: 50_000, rule: "at_most" },
  { name: "lock_timeout", value: 40_000, rule: "unless_set" },
  // It has one second unless told otherwise.
  { name: "deadlock_timeout", value: 3_000, rule: "unless_set" },
  { name: "of_a_later_server", value: 1, rule: "always" },
  { name: "default_transaction_isolation", value: "read committed", rule: "always" },
];

function open(url: string, settings: readonly SessionSetting[]): Db {
  const log = getLogger("local-settings-test");
  const pool = new SessionPool(databaseConfig(url), log, { max: 1, settings });
  return new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
}

/** Has transactions be repeatable reads, unless they are told otherwise. */
async function setIsolation(url: string): Promise<void> {
  await using db = open(url, []);
  const database = sql.id(new URL(url).pathname.slice(1));
  await sql`alter database ${database} set default_transaction_isolation = 'repeatable read'`
    .execute(db);
}

/** @param run Is given two clients of one pooler, of whom only the first wants settings. */
function test(
  name: string,
  mode: PgbouncerOptions["mode"],
  run: (db: Db, stranger: Db) => Promise<void>,
): void {
  Deno.test({
    name: `localSettings ${name}, behind a pooler of ${mode}s`,
    ignore: postgresUrl === undefined || pgbouncerPath === undefined,
    async fn() {
      await using server = await createTestDatabase();
      await setIsolation(server.url);
      const sessions = mode === "transaction" ? 1 : 2;
      await using pooler = await startPgbouncer(server.url, { mode, sessions });
      await using db = open(pooler.url, wanted);
      await using stranger = open(pooler.url, []);
      await sql`create table kept (n int unique deferrable initially deferred)`.execute(stranger);
      await run(db, stranger);
    },
  });
}

/** What is in force for a statement: without parameters or with one, which are sent differently. */
async function inForce(db: Db, condition = sql`true`): Promise<string> {
  const { rows: [row] } = await sql<{ settings: string }>`
    select concat_ws(' ', current_setting('statement_timeout'), current_setting('lock_timeout'),
      current_setting('deadlock_timeout'), current_setting('transaction_isolation')) as settings
    where ${condition}`.execute(db);
  return row!.settings;
}

const ours = "50s 40s 1s read committed";
const servers = "0 0 1s repeatable read";

for (const mode of ["transaction", "session"] as const) {
  test("hold in every statement and transaction, and for nobody else", mode, async (db, other) => {
    const process = async (db: Db) =>
      (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)).rows[0]!.pid;
    const isServers = async () => {
      if (mode === "transaction") assert.equal(await process(db), await process(other));
      assert.equal(await inForce(other), servers);
    };
    await isServers();
    assert.equal(await inForce(db), ours);
    await isServers();
    assert.equal(await inForce(db, sql`1 = ${1}`), ours);
    await isServers();
    for (const level of ["read committed", "serializable"] as const) {
      const begun = level === "serializable"
        ? db.transaction().setIsolationLevel(level)
        : db.transaction();
      await begun.execute(async (transaction) => {
        const theirs = ours.replace("read committed", level);
        assert.equal(await inForce(transaction, sql`1 = ${1}`), theirs);
        assert.equal(await inForce(transaction), theirs);
      });
    }
    await isServers();
    await assert.rejects(sql`select 1 / 0`.execute(db), { code: "22012" });
    await assert.rejects(sql`select 1 / ${0}::int`.execute(db), { code: "22012" });
    await isServers();
    assert.equal(await inForce(db), ours);
    assert.equal(await inForce(db, sql`1 = ${1}`), ours);
  });
}

test("keep a statement whole, and tell how it ended", "transaction", async (db, other) => {
  const insert = (...values: readonly unknown[]) =>
    sql`insert into kept select n from unnest(${values}::int[]) n`.execute(db);
  assert.equal((await insert(1, 2)).numAffectedRows, 2n);
  // Only the commit says so.
  await assert.rejects(insert(3, 3), { code: "23505" });
  await assert.rejects(insert(4, "four"), { code: "22P02" });
  await sql`insert into kept values (5); insert into kept values (6)`.execute(db);
  await assert.rejects(sql`insert into kept values (7); select 1 / 0`.execute(db));
  const { rows } = await sql<{ n: number }>`select n from kept order by n`.execute(other);
  assert.deepEqual(rows.map(({ n }) => n), [1, 2, 5, 6]);
});

test("let pass what runs in no transaction", "transaction", async (db) => {
  await sql`create index concurrently kept_n on kept (n)`.execute(db);
  await sql`vacuum kept`.execute(db);
  await sql`drop index concurrently kept_n`.execute(db);
  assert.equal(await inForce(db), ours);
});

test("leave no statement prepared", "transaction", async (db, other) => {
  for (let time = 0; time < 3; time++) await inForce(db, sql`1 = ${1}`);
  const { rows } = await sql`select name from pg_prepared_statements`.execute(other);
  assert.deepEqual(rows, []);
});
