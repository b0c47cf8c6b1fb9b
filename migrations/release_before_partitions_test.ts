import { getLogger } from "@logtape/logtape";
import type { Kysely } from "kysely";
import { openDatabase } from "../services/backend/store/connection/open_database.ts";
import type { Database } from "../services/backend/store/database.ts";
import {
  beforePartitions,
  dayPartitions,
  fillWithReadings,
  weekAgo,
} from "../tests/support/before_partitions.ts";
import { databaseConfig } from "../tests/support/database_config.ts";
import { migrateTo, upgradeTo } from "../tests/support/migrate_to.ts";
import { answersOlder, type OlderStatement } from "../tests/support/older_statements.ts";
import { onDatabases } from "../tests/support/on_databases.ts";

const log = getLogger("release-before-partitions-test");

const readings = 40_000;

const columns =
  `tenant_id, device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level`;

/** A batch, as the release before writes it: `[device, instant, tie break]` of each reading. */
function batchInto(table: string, rows: readonly (readonly [string, string, number])[]): string {
  const each = (item: (row: readonly [string, string, number]) => string) =>
    `array[${rows.map(item).join(", ")}]`;
  const values = (value: number) => each(() => `${value}::float8`);
  return `
    with written as (
      insert into ${table} (${columns})
      select 0::int as tenant_id, device_id, "timestamp", tie_break,
        temperature, humidity, pressure, battery_level
      from unnest(
        ${each(([id]) => `'${id}'`)}, ${each(([, at]) => `timestamptz ${at}`)},
        ${each(([, , tie]) => `${tie}::int8`)},
        ${values(20)}, ${values(50)}, ${values(1_000)}, ${values(90)}
      ) as record(
        device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level
      )
      order by device_id collate "C", "timestamp", tie_break
      on conflict do nothing
      returning tenant_id
    )
    select count(*)::int as count from written`;
}

const placed = `device_id, (extract(epoch from "timestamp") * 1000000)::bigint::text as micros,
  tie_break::text as tie, temperature, humidity, pressure, battery_level`;

/** Of the newest reading of `d8`. */
const newestTie = String(readings - 1 - ((readings - 1 - 7) % 200));

/** Statements of the release before, in its words; each with what it is to answer first. */
const statements: readonly OlderStatement[] = [
  {
    name: "a batch of readings, late and of now, of which one comes twice",
    text: batchInto("sensor_readings", [
      ["d1", "'2001-02-03'", 1],
      ["d1", "'2024-12-01'", 1],
      ["d2", "'now'", 1],
      ["d2", "'now'", 1],
      ["d3", "'now' + interval '23 hours 59 minutes'", 1],
    ]),
    answer: { count: 4 },
    never: /Seq Scan/,
  },
  {
    name: "a batch that was there before",
    text: batchInto("sensor_readings", [
      ["d1", "'2001-02-03'", 1],
      ["d1", "'2024-03-01'", 0],
    ]),
    answer: { count: 0 },
    never: /Seq Scan/,
  },
  {
    name: "a batch of readings of unknown devices",
    text: batchInto("parked_readings", [["x1", "'now'", 1]]),
    answer: { count: 1 },
    never: /Seq Scan/,
  },
  {
    name: "readings that are released",
    text: `
      with due as (
        insert into iot_devices (
          tenant_id, device_id, location, mac_address, ip_address, firmware,
          latitude, longitude, last_seen, described_at
        )
        values (0, 'x7', '', '', '', '', 0, 0, now(), now())
      ), gone as (
        delete from parked_readings
        where tenant_id = 0 and device_id = any('{x7}'::text[]) and refused is null
          and (device_id, "timestamp", tie_break) <= ('x7'::text, timestamptz '2999-01-01', 0::bigint)
        returning ${columns}
      ),
      stored as (
        insert into sensor_readings (${columns})
        select ${columns} from gone order by device_id, "timestamp", tie_break
        on conflict do nothing
        returning tenant_id
      )
      select device_id as "deviceId", count(*)::int as moved,
        (select count(*)::int as count from stored) as stored
      from gone group by device_id`,
    answer: { deviceId: "x7", moved: readings / 200, stored: readings / 200 },
    never: /Seq Scan on parked_readings/,
  },
  {
    name: "the first page of a device's readings",
    text: `
      select ${placed} from sensor_readings
      where tenant_id = 0 and device_id = 'd8'
      order by "timestamp" desc, tie_break desc
      limit 51`,
    answer: { device_id: "d8", tie: newestTie },
    never: /Incremental|Seq Scan on sensor_readings_before/,
  },
  {
    name: "a later page, of years ago",
    text: `
      select ${placed} from sensor_readings
      where tenant_id = 0 and device_id = 'd8' and ("timestamp", tie_break) < (
        (timestamptz 'epoch' + 1709254800000000::float8 * interval '1 microsecond'), 5::bigint
      )
      order by "timestamp" desc, tie_break desc
      limit 51`,
    answer: { device_id: "d8", tie: "3207" },
    never: /Incremental|Seq Scan on sensor_readings_(before|older)/,
  },
  {
    name: "the newest readings of a page of devices",
    text: `
      select latest.device_id, latest.tie, json_array_length(recent.seconds::json) as recent
      from iot_devices as d
      cross join lateral (
        select ${placed} from sensor_readings
        where sensor_readings.tenant_id = d.tenant_id and sensor_readings.device_id = d.device_id
        order by "timestamp" desc, tie_break desc
        limit 1
      ) as latest
      cross join lateral (
        select json_agg(extract(epoch from newest."timestamp"))::text as seconds from (
          select r."timestamp" from sensor_readings as r
          where r.tenant_id = d.tenant_id and r.device_id = d.device_id
          order by r."timestamp" desc
          limit 8
        ) as newest
      ) as recent
      where d.tenant_id = 0 and d.device_id = any('{d8}'::text[])`,
    answer: { device_id: "d8", tie: newestTie, recent: 8 },
    never: /Seq Scan on sensor_readings_(before|older)/,
  },
  {
    name: "how many readings a device has",
    text: `
      select device_id, count from iot_devices
      cross join lateral (
        select cast(count(*) as integer) as count from (
          select tie_break from sensor_readings
          where sensor_readings.tenant_id = 0 and sensor_readings.device_id = iot_devices.device_id
            and "timestamp" >= timestamptz 'epoch' and "timestamp" < timestamptz '2999-01-01'
          limit 1000000
        ) as found
      ) as counted
      where tenant_id = 0 and device_id = any('{d8}'::text[])`,
    answer: { device_id: "d8", count: readings / 200 },
    never: /Seq Scan on sensor_readings_(before|older)/,
  },
  {
    name: "what a run has stored and parked of a device",
    text: `
      select wanted.device_id, length(packed.rows) / 16 as rows
      from (select 'd8'::text as device_id) as wanted
      cross join lateral (
        select string_agg(
          int8send((extract(epoch from "timestamp") * 1000000)::bigint) || int8send(tie_break), ''
        ) as rows
        from (
          select * from (
            select "timestamp", tie_break from sensor_readings
            where tenant_id = 0 and device_id = wanted.device_id
              and "timestamp" >= timestamptz '2024-01-01' and "timestamp" < timestamptz '2025-01-01'
            order by "timestamp", tie_break limit 10000
          ) as stored
          union all
          select * from (
            select "timestamp", tie_break from parked_readings
            where tenant_id = 0 and device_id = wanted.device_id
              and "timestamp" >= timestamptz '2024-01-01' and "timestamp" < timestamptz '2025-01-01'
            order by "timestamp", tie_break limit 10000
          ) as parked
          order by "timestamp", tie_break
        ) as page
      ) as packed`,
    answer: { device_id: "d8", rows: readings / 400 },
    never: /Seq Scan on sensor_readings_(before|older)/,
  },
];

/** What the statements are to work on. */
const tables: Readonly<Record<string, (db: Kysely<Database>) => Promise<void>>> = {
  async "that were carried over"(db) {
    await migrateTo(db, beforePartitions);
    await fillWithReadings(db, readings, weekAgo());
    await upgradeTo(db, dayPartitions);
  },
  async "that are new"(db) {
    await migrateTo(db, dayPartitions);
    const { openFrom } = await db.selectFrom("reading_progress")
      .select("open_from as openFrom").executeTakeFirstOrThrow();
    await fillWithReadings(db, readings, openFrom);
  },
};

async function worksOn(
  url: string,
  prepare: (db: Kysely<Database>) => Promise<void>,
  test: Deno.TestContext,
): Promise<void> {
  await using database = await openDatabase(databaseConfig(url), log);
  const { db } = database;
  await prepare(db);
  await answersOlder(db, statements, test);
}

for (const [what, prepare] of Object.entries(tables)) {
  onDatabases(
    `The release before partitions works on tables ${what}`,
    (url, test) => worksOn(url, prepare, test),
  );
}
