import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { sql } from "kysely";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { databaseConfig } from "../../../../tests/support/database_config.ts";
import { createTestDatabase, postgresUrl } from "../../../../tests/support/postgres.ts";
import { tempPglite } from "../../../../tests/support/temp_pglite.ts";
import { tempFolder } from "../../../../tools/services/temp_folder.ts";
import { migrateToLatest } from "../schema/migrate.ts";
import { openDatabase } from "./open_database.ts";
import { waitForDatabase } from "./wait_for_database.ts";

const log = getLogger("open-database-test");
const withPostgres = { ignore: postgresUrl === undefined };

Deno.test("openDatabase lends the embedded database to one process at a time", async () => {
  await using folder = await tempPglite();
  {
    await using database = await openDatabase(databaseConfig(folder.url), log);
    await sql`create table kept (n int)`.execute(database.db);
    await assert.rejects(openDatabase(databaseConfig(folder.url), log), (error) => {
      assert.ok(error instanceof ExitError);
      assert.match(error.message, /^Cannot open the database in .*: another process has it open/);
      return true;
    });
  }
  await using again = await openDatabase(databaseConfig(folder.url), log);
  await sql`insert into kept values (1)`.execute(again.db);
});

Deno.test("openDatabase takes a folder for the same, with a slash behind it or without", async () => {
  await using folder = await tempFolder("demo-app-pglite-");
  const url = `pglite://${folder.path}/data`;
  {
    await using database = await openDatabase(databaseConfig(`${url}/`), log);
    await assert.rejects(openDatabase(databaseConfig(url), log), /another process has it open/);
    await sql`create table kept (n int)`.execute(database.db);
  }
  await using again = await openDatabase(databaseConfig(url), log);
  await sql`insert into kept values (1)`.execute(again.db);
});

Deno.test("openDatabase keeps queries out of transactions of others, on the embedded database", async () => {
  await using folder = await tempPglite();
  await using database = await openDatabase(databaseConfig(folder.url), log);
  const { db } = database;
  await sql`create table kept (n int)`.execute(db);
  const undo = new Error("undo");
  const undone = db.transaction().execute(async (transaction) => {
    await sql`insert into kept values (1)`.execute(transaction);
    throw undo;
  });
  const kept = [2, 3, 4].map((n) => sql`insert into kept values (${n})`.execute(db));
  await assert.rejects(undone, undo);
  await Promise.all(kept);
  const { rows } = await sql<{ n: number }>`select n from kept order by n`.execute(db);
  assert.deepEqual(rows.map(({ n }) => n), [2, 3, 4]);
});

Deno.test({
  name: "waitForDatabase says what to mend when there is no such database",
  ...withPostgres,
  async fn() {
    const url = new URL(postgresUrl!);
    url.pathname = "/no_such_database";
    await using database = await openDatabase(databaseConfig(url.href), log);
    const waiting = waitForDatabase(
      () => database.answers(),
      databaseConfig(url.href),
      log,
      new AbortController().signal,
    );
    await assert.rejects(waiting, (error) => {
      assert.ok(error instanceof ExitError);
      assert.ok(error.message.startsWith(`Cannot use database no_such_database at ${url.host}: `));
      assert.match(error.message, /create it: createdb no_such_database$/);
      return true;
    });
  },
});

Deno.test("waitForDatabase keeps trying until it answers, or is told to stop", async () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  let failures = 2;
  const stop = new AbortController();
  const work = () => failures-- > 0 ? Promise.reject(refused) : Promise.resolve(true);
  const config = databaseConfig("postgres://nowhere.example:5432/iot_db");
  await waitForDatabase(work, config, log, stop.signal);
  assert.equal(failures, -1);
  failures = Infinity;
  const waiting = waitForDatabase(work, config, log, stop.signal);
  const reason = new Error("told to stop");
  stop.abort(reason);
  await assert.rejects(waiting, reason);
});

Deno.test("waitForDatabase is told to stop while the database is at work", async () => {
  const stop = new AbortController();
  const started = Promise.withResolvers<void>();
  const work = () => {
    started.resolve();
    return new Promise<void>(() => {});
  };
  const config = databaseConfig("postgres://nowhere.example:5432/iot_db");
  const waiting = waitForDatabase(work, config, log, stop.signal);
  await started.promise;
  const reason = new Error("told to stop");
  stop.abort(reason);
  await assert.rejects(waiting, reason);
});

Deno.test({
  name: "waitForDatabase says why migrating is refused, and goes on once it is not",
  ...withPostgres,
  async fn() {
    await using server = await createTestDatabase();
    const config = databaseConfig(server.url);
    const { signal } = new AbortController();
    const migrate = async (sessionSettings: string) => {
      const url = new URL(server.url);
      url.searchParams.set("options", sessionSettings);
      await using database = await openDatabase(databaseConfig(url.href), log);
      await migrateToLatest(database.db, log);
    };
    const refused = waitForDatabase(
      () => migrate("-c search_path=pg_catalog"),
      config,
      log,
      signal,
    );
    await assert.rejects(refused, (error) => {
      assert.ok(error instanceof ExitError);
      assert.match(
        error.message,
        /permission denied .*: the role may not do that; connect as the owner/,
      );
      return true;
    });

    let tries = 0;
    const readOnlyAtFirst = () =>
      migrate(`-c default_transaction_read_only=${tries++ === 0 ? "on" : "off"}`);
    await waitForDatabase(readOnlyAtFirst, config, log, signal);
    assert.equal(tries, 2);
  },
});
