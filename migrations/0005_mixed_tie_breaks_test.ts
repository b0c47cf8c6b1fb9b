import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { Migrator } from "kysely/migration";
import type { ReadingRow } from "../services/backend/readings/reading_row.ts";
import { openDatabase } from "../services/backend/store/connection/open_database.ts";
import type { Database } from "../services/backend/store/database.ts";
import { writeReadings } from "../services/backend/store/readings/write_readings.ts";
import { migrateToLatest } from "../services/backend/store/schema/migrate.ts";
import { databaseConfig } from "../tests/support/database_config.ts";
import { createTestDatabase, postgresUrl } from "../tests/support/postgres.ts";
import { readingRow } from "../tests/support/store_rows.ts";
import { tempPglite } from "../tests/support/temp_pglite.ts";
import { twoLaneHash } from "./0005_mixed_tie_breaks.ts";
import { migrations } from "./index.ts";

const log = getLogger("mixed-tie-breaks-test");

/** As a release before this migration wrote it. */
function inTwoLanes(row: ReadingRow): ReadingRow {
  const values = new DataView(new ArrayBuffer(32));
  // The four that there were then.
  row.values.slice(0, 4).forEach((value, at) => values.setFloat64(at * 8, value!));
  return { ...row, tieBreak: (row.tieBreak >> 53n << 53n) | BigInt(twoLaneHash(values)) };
}

/** More than two pages; of one device many in one microsecond, told apart by value or nanosecond. */
function rowsOf(deviceId: string): readonly ReadingRow[] {
  return Array.from({ length: 6_000 }, (_, at) =>
    readingRow(deviceId, {
      seconds: 1_700_000_000 + Math.floor(at / 3_000) * at,
      nanos: at % 3 === 0 ? at % 1_000 : 0,
      temperature: Math.sin(at) * 90,
      humidity: at / 7_000 * 100 / 3,
      pressure: 1_000 + 1 / (at + 1),
      batteryLevel: at % 2 === 0 ? 0 : 5e-324,
    }));
}

async function tieBreaks(db: Kysely<Database>): Promise<readonly string[]> {
  const { rows } = await sql<{ line: string }>`
    select concat_ws(' ', device_id, extract(epoch from "timestamp"), temperature, tie_break) as line
    from (select * from sensor_readings union all
      select "timestamp", tie_break, temperature, humidity, pressure, battery_level, device_id
      from parked_readings) both_places`.execute(db);
  return rows.map(({ line }) => line).toSorted();
}

async function survivesMigration(url: string): Promise<void> {
  await using database = await openDatabase(databaseConfig(url), log);
  const { db } = database;
  const migrateTo = async (name: string) => {
    const provider = { getMigrations: () => Promise.resolve({ ...migrations }) };
    const { error } = await new Migrator({ db, provider }).migrateTo(name);
    if (error !== undefined) throw error;
  };
  await migrateTo("0003_parked_readings");
  await sql`insert into iot_devices
    select id, '', '', '', '', 0, 0, now(), now() from unnest(array['a', 'B']) id`.execute(db);
  const rows = ["a", "B", "parked"].flatMap((id) => rowsOf(id));
  const before = rows.map(inTwoLanes);
  assert.deepEqual(await writeReadings(db, before), { stored: 12_000, parked: 6_000 });
  const stored = await tieBreaks(db);

  await migrateToLatest(db, log);
  assert.deepEqual(await writeReadings(db, rows), { stored: 0, parked: 0 });
  assert.notDeepEqual(await tieBreaks(db), stored);
  const { rows: floors } = await sql`select must_know from schema_floor`.execute(db);
  assert.deepEqual(floors, [{ must_know: "0005_mixed_tie_breaks" }], "others would store twice");

  await migrateTo("0003_parked_readings");
  assert.deepEqual(await tieBreaks(db), stored);
  assert.deepEqual(await writeReadings(db, before), { stored: 0, parked: 0 });
}

Deno.test("A reading stored before tie breaks mixed is stored once, on PGlite", async () => {
  await using folder = await tempPglite();
  await survivesMigration(folder.url);
});

Deno.test({
  name: "A reading stored before tie breaks mixed is stored once, on PostgreSQL",
  ignore: postgresUrl === undefined,
  async fn() {
    await using server = await createTestDatabase();
    await survivesMigration(server.url);
  },
});
