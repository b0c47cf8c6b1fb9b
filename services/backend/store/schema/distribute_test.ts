import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { citusUrl, createCitusTestDatabase } from "../../../../tests/support/citus.ts";
import { databaseConfig } from "../../../../tests/support/database_config.ts";
import { createTestDatabase, postgresUrl } from "../../../../tests/support/postgres.ts";
import { tempPglite } from "../../../../tests/support/temp_pglite.ts";
import { waitUntil } from "../../../../tests/support/wait_until.ts";
import { openDatabase } from "../connection/open_database.ts";
import type { Database } from "../database.ts";
import { distributeTables } from "./distribute.ts";
import { migrateDown, migrateToLatest } from "./migrate.ts";

const log = getLogger("distribute-test");

async function assertRefused(db: Kysely<Database>, why: RegExp): Promise<void> {
  await assert.rejects(distributeTables(db, 4), (error) => {
    assert.ok(error instanceof ExitError);
    assert.match(error.message, /^Cannot distribute the tables: /);
    assert.match(error.message, why);
    return true;
  });
}

async function refusesWhatIsNoCluster(url: string): Promise<void> {
  await using database = await openDatabase(databaseConfig(url), log);
  await migrateToLatest(database.db, log);
  await assertRefused(database.db, /none of a Citus cluster; say create extension citus/);
}

Deno.test("distributeTables refuses what is no cluster, on PGlite", async () => {
  await using folder = await tempPglite();
  await refusesWhatIsNoCluster(folder.url);
});

Deno.test({
  name: "distributeTables refuses what is no cluster, on PostgreSQL",
  ignore: postgresUrl === undefined,
  async fn() {
    await using server = await createTestDatabase();
    await refusesWhatIsNoCluster(server.url);
  },
});

function citusTest(name: string, run: (db: Kysely<Database>) => Promise<void>): void {
  Deno.test({
    name: `distributeTables ${name}, on Citus`,
    ignore: citusUrl === undefined,
    async fn() {
      await using server = await createCitusTestDatabase();
      await using database = await openDatabase(databaseConfig(server.url), log);
      await run(database.db);
    },
  });
}

const insertDevice = (id: string) =>
  sql`insert into iot_devices values (${id}, '', '', '', '', 0, 0, now(), now())`;
const insertReading = (table: "sensor_readings" | "parked_readings", id: string, tieBreak = 1) =>
  sql`insert into ${sql.table(table)} (
      device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level
    ) values (${id}, now(), ${sql.lit(tieBreak)}, 20, 50, 1000, 90)`;

async function rowsOf(db: Kysely<Database>): Promise<Readonly<Record<string, number>>> {
  const { rows: [row] } = await sql<Record<string, number>>`
    select (select count(*)::int from tenants) as tenants,
      (select count(*)::int from iot_devices) as iot_devices,
      (select count(*)::int from parked_readings) as parked_readings,
      (select count(*)::int from sensor_readings) as sensor_readings`.execute(db);
  return { ...row! };
}

/** Tables with data of devices that lie on the coordinator alone. */
async function undistributed(db: Kysely<Database>): Promise<readonly string[]> {
  const { rows } = await sql<{ readonly name: string }>`
    select c.table_name::text as name from information_schema.columns c
    where c.table_schema = 'public' and c.column_name in ('device_id', 'tenant_id')
      -- How far packing is, and no data.
      and c.table_name <> 'compactions'
      and not exists (
        select from pg_dist_partition where logicalrelid = c.table_name::regclass
      )`.execute(db);
  return rows.map(({ name }) => name);
}

const laid = (before: boolean, shards = 4) => [
  { table: "tenants", shards: undefined, before },
  ...[
    "iot_devices",
    "sensor_readings",
    "closed_readings",
    "sensor_history",
    "staged_history",
    "parked_readings",
    "rollups_minute",
    "rollups_hour",
    "rollups_day",
    "rollup_marks",
  ].map((table) => ({ table, shards, before })),
];

citusTest("keeps rows and foreign keys, and passes over what is distributed", async (db) => {
  await assertRefused(db, /migrations are missing; say demo-app migrate up first/);
  await migrateToLatest(db, log);
  await migrateDown(db, log);
  await assertRefused(db, /migrations are missing/);
  await migrateToLatest(db, log);

  for (const id of ["a", "b", "c"]) {
    await insertDevice(id).execute(db);
    await insertReading("sensor_readings", id).execute(db);
  }
  await insertReading("parked_readings", "unknown").execute(db);
  const rows = await rowsOf(db);
  assert.deepEqual(await distributeTables(db, 4), laid(false));
  assert.deepEqual(await rowsOf(db), rows);
  assert.deepEqual(await undistributed(db), []);
  await assert.rejects(insertReading("sensor_readings", "unknown").execute(db), { code: "23503" });
  await assert.rejects(
    sql`insert into iot_devices (
        tenant_id, device_id, location, mac_address, ip_address, firmware, latitude, longitude,
        last_seen, described_at
      ) values (9, 'z', '', '', '', '', 0, 0, now(), now())`.execute(db),
    { code: "23503" },
  );
  const { rows: colocated } = await sql`
    select from pg_dist_partition where partmethod = 'h' group by colocationid`.execute(db);
  assert.equal(colocated.length, 1);

  // Nothing is left in the coordinator's own files.
  const { rows: [left] } = await sql<{ readonly bytes: number }>`
    select sum(pg_relation_size(logicalrelid))::int as bytes from pg_dist_partition`.execute(db);
  assert.equal(left!.bytes, 0);
  assert.deepEqual(await distributeTables(db, 8), laid(true));
  assert.deepEqual(await rowsOf(db), rows);
});

citusTest("has writers wait, and keeps all that they store", async (db) => {
  await migrateToLatest(db, log);
  for (const id of ["a", "b", "c"]) await insertDevice(id).execute(db);
  const done = new AbortController();
  let stored = 0;
  const write = async (id: string) => {
    // As a queue does, until there is one more after the tables were distributed.
    for (let last = false; !last; stored++) {
      last = done.signal.aborted;
      await insertReading("sensor_readings", id, stored).execute(db);
    }
  };
  const writing = Promise.all(["a", "b", "c"].map(write));
  await waitUntil(() => stored > 10, { what: "the writers to be at it" });
  await Promise.all([distributeTables(db, 4).finally(() => done.abort()), writing]);
  assert.equal((await rowsOf(db))["sensor_readings"], stored);
});

citusTest("changes nothing if it fails half way", async (db) => {
  await migrateToLatest(db, log);
  await insertDevice("a").execute(db);
  await insertReading("sensor_readings", "a").execute(db);
  // A unique index without the column that rows are distributed by can't be.
  await sql`create unique index singular on sensor_readings ("timestamp")`.execute(db);
  await assert.rejects(distributeTables(db, 4), {
    message: 'cannot create constraint on "sensor_readings"',
  });
  const { rows: distributed } = await sql`select from pg_dist_partition`.execute(db);
  assert.equal(distributed.length, 0);
  await assert.rejects(insertReading("sensor_readings", "unknown").execute(db), { code: "23503" });
  await sql`drop index singular`.execute(db);
  assert.deepEqual(await distributeTables(db, 4), laid(false));
});

citusTest("gives up its wait for those who use the tables", async (db) => {
  await migrateToLatest(db, log);
  await db.transaction().execute(async (other) => {
    await insertDevice("a").execute(other);
    await assert.rejects(distributeTables(db, 4), { code: "55P03" });
  });
  assert.deepEqual(await distributeTables(db, 4), laid(false));
});

citusTest("wants a node that stores, which may be the coordinator", async (db) => {
  await migrateToLatest(db, log);
  await sql`select citus_remove_node(nodename, nodeport) from pg_dist_node where groupid <> 0`
    .execute(db);
  await assertRefused(db, /no node stores any; add workers by select citus_add_node/);
  await sql`select citus_set_node_property(nodename, nodeport, 'shouldhaveshards', true)
    from pg_dist_node`.execute(db);
  assert.deepEqual(await distributeTables(db, 2), laid(false, 2));
});

citusTest("leaves tables that the newest migration can be undone on, and applied", async (db) => {
  await migrateToLatest(db, log);
  await distributeTables(db, 4);
  await insertDevice("a").execute(db);
  await migrateDown(db, log);
  await migrateToLatest(db, log);
  await sql`create index concurrently later on parked_readings (device_id)`.execute(db);
  assert.equal((await rowsOf(db))["iot_devices"], 1);
  assert.deepEqual(await undistributed(db), []);
});
