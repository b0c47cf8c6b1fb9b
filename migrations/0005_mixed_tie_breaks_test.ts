import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { Migrator } from "kysely/migration";
import type { ReadingRow } from "../services/backend/readings/reading_row.ts";
import { openDatabase } from "../services/backend/store/connection/open_database.ts";
import type { Database } from "../services/backend/store/database.ts";
import { migrateToLatest } from "../services/backend/store/schema/migrate.ts";
import { databaseConfig } from "../tests/support/database_config.ts";
import { onDatabases } from "../tests/support/on_databases.ts";
import { readingRow } from "../tests/support/store_rows.ts";
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

/** Stores and parks them as a release before this migration did, and returns how many it had not. */
async function write(db: Kysely<Database>, rows: readonly ReadingRow[]): Promise<number> {
  const records = rows.map(({ deviceId, micros, tieBreak, values: [t, h, p, b] }) => {
    return { id: deviceId, micros, tie: String(tieBreak), t, h, p, b };
  });
  const { rows: [written] } = await sql<{ written: number }>`
    with incoming as materialized (
      select id, timestamptz 'epoch' + micros * interval '1 microsecond' as at, tie, t, h, p, b,
        exists (select from iot_devices where device_id = id) as known
      from json_to_recordset(${JSON.stringify(records)}) as r(
        id text, micros float8, tie bigint, t float8, h float8, p float8, b float8
      )
    ),
    parked as (
      insert into parked_readings (${columns})
      select id, at, tie, t, h, p, b from incoming where not known
      on conflict do nothing returning 1
    ),
    stored as (
      insert into sensor_readings (${columns})
      select id, at, tie, t, h, p, b from incoming where known
      on conflict do nothing returning 1
    )
    select count(*)::int as written from (select from parked union all select from stored) rows`
    .execute(db);
  return written!.written;
}

const columns =
  sql`device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level`;

async function tieBreaks(db: Kysely<Database>): Promise<readonly string[]> {
  const { rows } = await sql<{ line: string }>`
    select concat_ws(' ', device_id, extract(epoch from "timestamp"), temperature, tie_break) as line
    from (
      select ${columns} from sensor_readings union all select ${columns} from parked_readings
    ) both_places`.execute(db);
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
  assert.equal(await write(db, before), 18_000);
  const stored = await tieBreaks(db);

  await migrateToLatest(db, log);
  assert.equal(await write(db, rows), 0);
  assert.notDeepEqual(await tieBreaks(db), stored);
  const { rows: floors } = await sql`select must_know from schema_floor`.execute(db);
  assert.deepEqual(floors, [{ must_know: "0005_mixed_tie_breaks" }], "others would store twice");

  await migrateTo("0003_parked_readings");
  assert.deepEqual(await tieBreaks(db), stored);
  assert.equal(await write(db, before), 0);
}

onDatabases("A reading stored before tie breaks mixed is stored once", survivesMigration);
