import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { openDatabase } from "../services/backend/store/connection/open_database.ts";
import type { Database } from "../services/backend/store/database.ts";
import { closeOldest } from "../services/backend/store/partitions/close_days.ts";
import { dayMicros } from "../services/backend/store/partitions/days.ts";
import { listPartitions } from "../services/backend/store/partitions/list_partitions.ts";
import { makeDays } from "../services/backend/store/partitions/make_days.ts";
import { migrateToLatest } from "../services/backend/store/schema/migrate.ts";
import { prepareMigration } from "../services/backend/store/schema/prepare_migration.ts";
import {
  beforePartitions,
  dayPartitions,
  fillWithReadings,
  weekAgo,
} from "../tests/support/before_partitions.ts";
import { citusUrl, createCitusTestDatabase } from "../tests/support/citus.ts";
import { databaseConfig } from "../tests/support/database_config.ts";
import { placesOf } from "../tests/support/days.ts";
import { keptLog } from "../tests/support/log_lines.ts";
import { migrateTo, upgradeTo } from "../tests/support/migrate_to.ts";
import { onDatabases, onPostgres } from "../tests/support/on_databases.ts";
import { pgbouncerPath, startPgbouncer } from "../tests/support/pgbouncer.ts";
import { createTestDatabase, postgresUrl } from "../tests/support/postgres.ts";
import { schemaOf } from "../tests/support/schema_of.ts";
import { countRows } from "../tests/support/store_rows.ts";
import { inTime, waitUntil } from "../tests/support/wait_until.ts";
import { migrations } from "./index.ts";

const readings = 1_000;
const log = getLogger("day-partitions-test");
const before = "sensor_readings_before";
const stepsOf = async (db: Kysely<Database>) => await migrations[dayPartitions]!.prepare!(db);

async function fillBefore(db: Kysely<Database>): Promise<void> {
  await migrateTo(db, beforePartitions);
  await sql`truncate iot_devices, sensor_readings, parked_readings`.execute(db);
  await fillWithReadings(db, readings, weekAgo());
}

/** The file that a table's rows are in. */
async function fileOf(db: Kysely<Database>, table: string): Promise<number> {
  const { rows: [found] } = await sql<{ file: number }>`
    select relfilenode::int as file from pg_class where oid = to_regclass(${table})`.execute(db);
  return found!.file;
}

/** Days from today to the first that a table has a bound for; undefined where it has no valid one. */
async function boundOf(db: Kysely<Database>, table: string): Promise<number | undefined> {
  const { rows } = await sql<{ days: number }>`
    select right(conname, 8)::date - (now() at time zone 'UTC')::date as days
    from pg_constraint
    where conrelid = to_regclass(${table}) and contype = 'c' and convalidated`.execute(db);
  assert.ok(rows.length <= 1);
  return rows[0]?.days;
}

async function isCarriedOver(db: Kysely<Database>, fresh: readonly string[]): Promise<void> {
  // Of a table that each node of a cluster has, there is a copy by another name.
  const schema = (await schemaOf(db)).filter((line) => !/\btenants_[0-9]/.test(line));
  assert.deepEqual(schema, fresh);
  assert.equal(await countRows(db, "sensor_readings"), readings);
  const [first, ...days] = await listPartitions(db, "sensor_readings");
  assert.equal(first!.name, before);
  assert.equal(first!.fromMicros, -Infinity);
  // A month less a day or so, and nothing that could be closed for now.
  assert.ok(first!.untilMicros > (Date.now() * 1_000 + 15 * dayMicros));
  assert.deepEqual(days, []);
  const { openFrom } = await db.selectFrom("reading_progress")
    .select(sql<string>`open_from::text`.as("openFrom")).executeTakeFirstOrThrow();
  assert.equal(openFrom, "-infinity");
}

async function carriesOver(url: string): Promise<void> {
  await using database = await openDatabase(databaseConfig(url), log);
  const { db } = database;
  await migrateTo(db, dayPartitions);
  const fresh = await schemaOf(db);
  await fillBefore(db);
  const old = await schemaOf(db);
  const file = await fileOf(db, "sensor_readings");

  await upgradeTo(db, dayPartitions);
  await isCarriedOver(db, fresh);
  assert.equal(await fileOf(db, before), file, "no row was moved");

  // With readings in each of the places that there are for them.
  await makeDays(db, Date.now() * 1_000 + 40 * dayMicros);
  const closed = await closeOldest(db, Infinity, { log });
  assert.equal(closed!.name, before);
  await sql`
    insert into sensor_readings (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
    select 'd1', "timestamp" + interval '1 year', 1, 1, 1, 1, 1
    from generate_series(now() - interval '2 years', now() - interval '1 year', interval '1 year')
      as days("timestamp")`.execute(db);
  await migrateTo(db, beforePartitions);
  assert.deepEqual(await schemaOf(db), old);
  assert.equal(await countRows(db, "sensor_readings"), readings + 2);

  await migrateTo(db, dayPartitions);
  assert.deepEqual(await schemaOf(db), fresh);
  assert.equal(await countRows(db, "sensor_readings"), readings + 2);
}

/** What an interrupted run may have left, by the days that it still has, and whether it is validated. */
const leftovers = [[32, false], [32, true], [20, true], [10, true], [-8, true], [
  -8,
  false,
]] as const;

async function goesOn(url: string): Promise<void> {
  await using database = await openDatabase(databaseConfig(url), log);
  const { db } = database;
  await migrateTo(db, dayPartitions);
  const fresh = await schemaOf(db);
  for (const [days, validated] of leftovers) {
    await fillBefore(db);
    const { rows: [day] } = await sql<{ name: string; bound: string }>`
      select to_char(day, 'YYYYMMDD') as name, day::text as bound
      from (select (now() at time zone 'UTC')::date + ${days}::int as day) as days`.execute(db);
    if (days < 0) {
      await sql`delete from sensor_readings where "timestamp" > '2025-01-01'`.execute(db);
    }
    const left = await countRows(db, "sensor_readings");
    await sql`
      alter table sensor_readings add constraint ${sql.id(`${before}_${day!.name}`)}
        check ("timestamp" < timestamptz ${sql.lit(`${day!.bound} 00:00:00+00`)})
        ${validated ? sql`` : sql`not valid`}`.execute(db);
    await prepareMigration(db, await stepsOf(db), { log });
    const bound = await boundOf(db, "sensor_readings");
    assert.ok(bound !== undefined, "all rows are read before all wait");
    assert.ok(days > 16 ? bound >= days - 1 && bound <= days : bound >= 31, `${bound} days`);
    await migrateTo(db, dayPartitions);
    assert.equal(await countRows(db, "sensor_readings"), left);
    assert.deepEqual(await schemaOf(db), fresh);
    assert.equal(await boundOf(db, before), bound);
  }
}

for (
  const [what, check] of [
    ["A table with readings becomes one partition, and a table again", carriesOver],
    ["A table with readings becomes a partition wherever that was interrupted", goesOn],
  ] as const
) {
  onDatabases(what, check);
}

onPostgres("Several at once make a table with readings a partition once", async (url) => {
  await using open = new AsyncDisposableStack();
  const databases = await Promise.all(
    Array.from({ length: 3 }, () => openDatabase(databaseConfig(url), log)),
  );
  for (const database of databases) open.use(database);
  const { db } = databases[0]!;
  await fillBefore(db);
  const kept = keptLog();
  await inTime(
    Promise.all(databases.map(({ db }) => migrateToLatest(db, kept.log))),
    "all of them",
  );
  const made = kept.lines.filter(({ message }) => /^Migrated beside/.test(message));
  assert.equal(made.length, 1);
  assert.match(String(made[0]!.fields["makes"]), /^sensor_readings_before_20[0-9]{6}$/);
  assert.equal(await countRows(db, "sensor_readings"), readings);
  assert.equal(await fileOf(db, "sensor_readings"), 0, "it is partitioned");
});

onPostgres(
  "Readings are taken while their table becomes a partition that a reader stays in",
  async (url) => {
    await using database = await openDatabase(databaseConfig(url), log);
    const { db } = database;
    await fillBefore(db);
    const kept = keptLog();
    const busy = () => kept.lines.filter(({ message }) => /^Cannot lock tables/.test(message));
    let written = 0;
    // As the release before has it; whatever is accepted, up to a day from now.
    const write = async () => {
      for (const at of [0, Date.now(), Date.now() + 86_400_000 - 1]) {
        await sql`
        insert into sensor_readings (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
        values ('d1', ${new Date(at)}, ${written++}, 1, 1, 1, 1)`.execute(db);
      }
    };
    const migrating = await db.transaction().execute(async (reader) => {
      const { rows: [session] } = await sql<{ pid: number }>`
      select pg_backend_pid() as pid from sensor_readings limit 1`.execute(reader);
      const migrating = migrateToLatest(db, kept.log);
      await waitUntil(async () => {
        await write();
        return busy().some(({ fields }) => fields["pid"] === session!.pid);
      }, { what: "the migration to keep away" });
      return { done: migrating };
    });
    let done = false;
    const migrated = migrating.done.finally(() => done = true);
    const writers = Array.from({ length: 3 }, async () => {
      while (!done) await write();
    });
    await inTime(Promise.all([migrated, ...writers]), "the migration, and who writes meanwhile");
    await write();
    assert.ok(busy().some(({ fields }) => fields["pid"] === undefined), "it tried");
    assert.equal(await countRows(db, "sensor_readings"), readings + written);
  },
);

Deno.test({
  name: "A table with readings becomes a partition behind a pooler of transactions",
  ignore: postgresUrl === undefined || pgbouncerPath === undefined,
  async fn() {
    await using server = await createTestDatabase();
    await using pooler = await startPgbouncer(server.url, { mode: "transaction", sessions: 3 });
    await using direct = await openDatabase(databaseConfig(server.url), log);
    await fillBefore(direct.db);
    await using one = await openDatabase(databaseConfig(pooler.url), log);
    await using other = await openDatabase(databaseConfig(pooler.url), log);
    const both = Promise.all([one, other].map(({ db }) => migrateToLatest(db, log)));
    await inTime(both, "both of them");
    assert.equal(await countRows(direct.db, "sensor_readings"), readings);
    assert.notEqual(await fileOf(direct.db, before), undefined);
  },
});

/** As the release before distributes its tables. */
async function distributeBefore(db: Kysely<Database>): Promise<void> {
  const key = "sensor_readings_tenant_id_device_id_fkey";
  await sql`alter table sensor_readings drop constraint ${sql.id(key)}`.execute(db);
  await sql`select create_reference_table('tenants')`.execute(db);
  for (const table of ["iot_devices", "sensor_readings", "parked_readings"]) {
    await sql`
      select create_distributed_table(${table}, 'device_id',
        colocate_with => ${table === "iot_devices" ? "none" : "iot_devices"})`.execute(db);
  }
  await sql`
    alter table sensor_readings add constraint ${sql.id(key)}
      foreign key (tenant_id, device_id) references iot_devices (tenant_id, device_id)`.execute(db);
}

Deno.test({
  name: "A table with readings becomes one partition, and its days are closed, on Citus",
  ignore: citusUrl === undefined,
  async fn() {
    await using server = await createCitusTestDatabase();
    await using database = await openDatabase(databaseConfig(server.url), log);
    const { db } = database;
    await migrateTo(db, dayPartitions);
    const fresh = await schemaOf(db);
    await migrateTo(db, beforePartitions);
    await distributeBefore(db);
    await fillWithReadings(db, readings, weekAgo());

    await upgradeTo(db, dayPartitions);
    await isCarriedOver(db, fresh);
    const { rows: alone } = await sql<{ name: string }>`
      select relname::text as name from pg_class
      where relname ~ '^(sensor|closed)_readings' and relkind in ('r', 'p')
        and oid not in (select logicalrelid from pg_dist_partition)`.execute(db);
    assert.deepEqual(alone, [], "each is distributed");
    await makeDays(db, Date.now() * 1_000 + 40 * dayMicros);
    assert.equal((await closeOldest(db, Infinity, { log }))!.name, before);
    assert.equal((await placesOf(db)).closed, readings);
    await migrateTo(db, beforePartitions);
    assert.equal(await countRows(db, "sensor_readings"), readings);
  },
});
