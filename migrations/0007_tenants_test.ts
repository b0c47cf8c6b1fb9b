import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { Client } from "pg";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { openDatabase } from "../services/backend/store/connection/open_database.ts";
import type { Database } from "../services/backend/store/database.ts";
import { migrateDown, migrateToLatest } from "../services/backend/store/schema/migrate.ts";
import { prepareMigration } from "../services/backend/store/schema/prepare_migration.ts";
import { beforeTenants, fillBeforeTenants } from "../tests/support/before_tenants.ts";
import { databaseConfig } from "../tests/support/database_config.ts";
import { keptLog } from "../tests/support/log_lines.ts";
import { migrateTo } from "../tests/support/migrate_to.ts";
import { onDatabases, onPostgres } from "../tests/support/on_databases.ts";
import { pgbouncerPath, startPgbouncer } from "../tests/support/pgbouncer.ts";
import { createTestDatabase, postgresUrl } from "../tests/support/postgres.ts";
import { untilOneWaits } from "../tests/support/row_lock.ts";
import { schemaOf } from "../tests/support/schema_of.ts";
import { countRows } from "../tests/support/store_rows.ts";
import { inTime, waitUntil } from "../tests/support/wait_until.ts";
import { migrations } from "./index.ts";

const readings = 1_000;
const log = getLogger("tenants-test");
const stepsOf = async (db: Kysely<Database>) => await migrations["0007_tenants"]!.prepare!(db);

const keyOfTenants = "iot_devices iot_devices_pkey PRIMARY KEY (tenant_id, device_id)";

async function isCarriedOver(db: Kysely<Database>, fresh: readonly string[]): Promise<void> {
  assert.deepEqual(await schemaOf(db), fresh);
  for (const table of ["sensor_readings", "parked_readings"] as const) {
    assert.equal(await countRows(db, table), readings);
  }
}

async function carriesOver(url: string): Promise<void> {
  // The embedded database takes its time with each.
  const stride = url.startsWith("pglite:") ? 5 : 1;
  await using database = await openDatabase(databaseConfig(url), log);
  const { db } = database;
  await migrateToLatest(db, log);
  const fresh = await schemaOf(db);
  await migrateTo(db, beforeTenants);
  await fillBeforeTenants(db, readings);
  const old = await schemaOf(db);

  await migrateToLatest(db, log);
  await isCarriedOver(db, fresh);
  await migrateTo(db, beforeTenants);
  assert.deepEqual(await schemaOf(db), old);

  // Interrupted after each step, and in the next.
  const steps = await stepsOf(db);
  assert.ok(steps.length > 10);
  for (let taken = 1; taken <= steps.length; taken += stride) {
    await prepareMigration(db, steps.slice(0, taken), { log });
    const left = steps.at(taken);
    if (left?.adds === "index") {
      await assert.rejects(
        sql`create unique index concurrently ${sql.id(left.index)} on ${
          sql.table(left.table)
        } ((1))`
          .execute(db),
        { code: "23505" },
      );
      assert.ok((await schemaOf(db)).includes(`invalid ${left.index}`));
    } else if (left?.adds === "foreign key") {
      const { table, constraint, columns, references } = left;
      await sql`
        alter table ${sql.table(table)} add constraint ${sql.id(constraint)}
        foreign key (${columns}) references ${sql.table(references)} (${columns}) not valid`
        .execute(db);
      await prepareMigration(db, steps, { log });
      const unread = (await schemaOf(db)).filter((line) => /NOT VALID/.test(line));
      assert.deepEqual(unread, [], "left for a moment that all wait for");
    }
    await migrateToLatest(db, log);
    await isCarriedOver(db, fresh);
    await migrateTo(db, beforeTenants);
    assert.deepEqual(await schemaOf(db), old);
  }
}

async function refusesOthers(url: string): Promise<void> {
  await using database = await openDatabase(databaseConfig(url), log);
  const { db } = database;
  await migrateToLatest(db, log);
  await migrateTo(db, "0007_tenants");
  await sql`insert into tenants values (1, 'another')`.execute(db);
  const refused = (error: unknown) => {
    assert.ok(error instanceof ExitError);
    assert.match(error.message, /^Cannot undo 0007_tenants: tenant 1 would be lost/);
    return true;
  };
  await assert.rejects(migrateDown(db, log), refused);
  await sql`delete from tenants where tenant_id = 1`.execute(db);
  await sql`
    insert into parked_readings
      (tenant_id, device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
    values (1, 'd', now(), 0, 20, 50, 1000, 90)`.execute(db);
  await assert.rejects(migrateDown(db, log), refused);
  await sql`delete from parked_readings`.execute(db);
  await migrateDown(db, log);
}

for (
  const [what, check] of [
    ["Tables with rows are carried over to tenants, wherever that was interrupted", carriesOver],
    ["Tenants are not undone where there are others than the default one", refusesOthers],
  ] as const
) {
  onDatabases(what, check);
}

onPostgres("Several at once carry tables with rows over once", async (url) => {
  await using open = new AsyncDisposableStack();
  const databases = await Promise.all(
    Array.from({ length: 3 }, () => openDatabase(databaseConfig(url), log)),
  );
  for (const database of databases) open.use(database);
  const { db } = databases[0]!;
  await fillBeforeTenants(db, readings);
  const kept = keptLog();
  await inTime(
    Promise.all(databases.map(({ db }) => migrateToLatest(db, kept.log))),
    "all of them",
  );
  const made = kept.lines.filter(({ message }) => /^Migrated beside/.test(message))
    .map(({ fields }) => fields["makes"]);
  assert.deepEqual(made, [...new Set(made)]);
  assert.ok(made.includes("idx_device_timestamp_before"));
  assert.ok(kept.lines.some(({ message }) => /^Waiting for another/.test(message)));
});

onPostgres("Writers go on while tables are carried over that a reader stays in", async (url) => {
  await using database = await openDatabase(databaseConfig(url), log);
  const { db } = database;
  await fillBeforeTenants(db, readings);
  const kept = keptLog();
  const busy = () => kept.lines.filter(({ message }) => /^Cannot lock tables/.test(message));
  let written = 0;
  const migrating = await db.transaction().execute(async (reader) => {
    const { rows: [session] } = await sql<{ pid: number }>`
      select pg_backend_pid() as pid from sensor_readings limit 1`.execute(reader);
    const migrating = migrateToLatest(db, kept.log);
    // Not at all, once the reader has been there for long.
    await waitUntil(async () => {
      await sql`
        insert into sensor_readings values (${new Date(written++)}, 0, 1, 1, 1, 1, 'd1')`
        .execute(db);
      return busy().some(({ fields }) => fields["pid"] === session!.pid);
    }, { what: "the migration to keep away" });
    return { done: migrating };
  });
  assert.ok(busy().some(({ fields }) => fields["pid"] === undefined), "it tried");
  await inTime(migrating.done, "the migration");
  assert.equal(await countRows(db, "sensor_readings"), readings + written);
});

Deno.test({
  name: "Tables with rows are carried over behind a pooler of transactions",
  ignore: postgresUrl === undefined || pgbouncerPath === undefined,
  async fn() {
    await using server = await createTestDatabase();
    await using pooler = await startPgbouncer(server.url, { mode: "transaction", sessions: 3 });
    await using direct = await openDatabase(databaseConfig(server.url), log);
    await fillBeforeTenants(direct.db, readings);
    await using one = await openDatabase(databaseConfig(pooler.url), log);
    await using other = await openDatabase(databaseConfig(pooler.url), log);
    const both = Promise.all([one, other].map(({ db }) => migrateToLatest(db, log)));
    await inTime(both, "both of them");
    assert.ok((await schemaOf(direct.db)).includes(keyOfTenants));
    const { rows: left } = await sql`
      select from pg_locks where locktype = 'advisory'
      and database = (select oid from pg_database where datname = current_database())`
      .execute(direct.db);
    assert.deepEqual(left, [], "a lock that nobody holds any more");
  },
});

for (const holdsTurn of [true, false]) {
  const what = holdsTurn ? "the turn, as in older releases" : "no turn any more";
  onPostgres(
    `What a program that is gone still builds is waited for; it has ${what}`,
    async (url) => {
      await using database = await openDatabase(databaseConfig(url), log);
      const { db } = database;
      await fillBeforeTenants(db, readings);
      const index = "sensor_readings_next_key";
      const steps = await stepsOf(db);
      const at = steps.findIndex((step) => step.adds === "index" && step.index === index);
      await prepareMigration(db, steps.slice(0, at), { log });
      const kept = keptLog();
      const migrating = await db.transaction().setIsolationLevel("repeatable read")
        .execute(async (reader) => {
          // The build waits for whoever has a snapshot of before it.
          await sql`select from iot_devices limit 1`.execute(reader);
          const gone = new Client({ connectionString: url });
          gone.on("error", () => {});
          await gone.connect();
          if (holdsTurn) await gone.query("select pg_advisory_lock(3853314791062309107)");
          gone.query(
            `create unique index concurrently ${index} on sensor_readings
            (tenant_id, device_id, "timestamp", tie_break)`,
          ).catch(() => {});
          await untilOneWaits(db);
          // What `pg` keeps, and its types leave out.
          (gone as unknown as { connection: { stream: { destroy(): void } } }).connection.stream
            .destroy();
          const done = migrateToLatest(db, kept.log);
          const word = holdsTurn ? /^Waiting for another that/ : /^Waiting for an index/;
          await waitUntil(() => kept.lines.some(({ message }) => word.test(message)), {
            what: "the migration to wait",
          });
          return { done };
        });
      await inTime(migrating.done, "the migration");
      assert.ok(!kept.lines.some(({ fields }) => fields["makes"] === index), "it was there");
      assert.ok((await schemaOf(db)).includes(keyOfTenants));
    },
  );
}
