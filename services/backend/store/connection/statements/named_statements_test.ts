import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { Kysely, PostgresDialect, sql } from "kysely";
import { databaseConfig } from "../../../../../tests/support/database_config.ts";
import { createTestDatabase, postgresUrl } from "../../../../../tests/support/postgres.ts";
import { SessionPool } from "../session_pool.ts";
import { unlimited } from "../session_settings.ts";
import { sqlState } from "../write_failure.ts";

type Db = Kysely<unknown>;

/** Sessions of a database of one's own, which has a table `kept (n int)` with one row. */
function test(name: string, run: (db: Db) => Promise<void>): void {
  Deno.test({
    name: `namedStatements ${name}`,
    ignore: postgresUrl === undefined,
    async fn() {
      await using server = await createTestDatabase();
      const log = getLogger("named-statements-test");
      const pool = new SessionPool(databaseConfig(server.url), log, {
        max: 2,
        settings: unlimited,
      });
      await using db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
      await sql`create table kept (n int)`.execute(db);
      await sql`insert into kept values (1)`.execute(db);
      await run(db);
    },
  });
}

interface Prepared {
  readonly statement: string;
  readonly runs: number;
}

/** What the session has prepared. */
async function preparedOn(session: Db): Promise<readonly Prepared[]> {
  const { rows } = await sql<Prepared>`
    select statement, (generic_plans + custom_plans)::int as runs from pg_prepared_statements`
    .execute(session);
  return rows;
}

const readKept = async (db: Db) => {
  const { rows } = await sql<Record<string, number>>`select * from kept where n = ${1}`.execute(db);
  return rows;
};

test("prepare what has parameters once a session, and nothing else", async (db) => {
  await db.connection().execute(async (session) => {
    for (let time = 0; time < 7; time++) await readKept(session);
    await sql`select * from kept`.execute(session);
    assert.deepEqual(await preparedOn(session), [
      { statement: "select * from kept where n = $1", runs: 7 },
    ]);
  });
});

test("prepare anew, on every session, what gives other columns than before", async (db) => {
  await db.connection().execute(async (one) => {
    await db.connection().execute(async (other) => {
      for (const session of [one, other]) assert.deepEqual(await readKept(session), [{ n: 1 }]);
      await sql`alter table kept add column m int default 2`.execute(one);
      assert.deepEqual(await readKept(one), [{ n: 1, m: 2 }]);
      // Where it would have failed the whole transaction.
      const inTransaction = await other.transaction().execute(readKept);
      assert.deepEqual(inTransaction, [{ n: 1, m: 2 }]);
    });
  });
});

test("leave the transaction around such a statement to be retried", async (db) => {
  await db.connection().execute(readKept);
  await sql`alter table kept add column m int default 2`.execute(db);
  const write = () =>
    db.transaction().execute(async (transaction) => {
      await sql`insert into kept values (${3})`.execute(transaction);
      return await readKept(transaction);
    });
  await assert.rejects(write(), (error) => sqlState(error) === "0A000");
  assert.deepEqual(await write(), [{ n: 1, m: 2 }]);
  const { rows } = await sql`select n from kept order by n`.execute(db);
  assert.deepEqual(rows, [{ n: 1 }, { n: 3 }]);
});

test("keep no name of what could not be parsed", async (db) => {
  await db.connection().execute(async (session) => {
    const broken = () => sql`select 'x'::int where ${1} = 1`.execute(session);
    // The session is kept: it is for what a value holds.
    for (let time = 0; time < 2; time++) await assert.rejects(broken(), { code: "22P02" });
    assert.deepEqual(await preparedOn(session), []);
    assert.deepEqual(await readKept(session), [{ n: 1 }]);
  });
});
