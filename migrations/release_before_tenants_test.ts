import { getLogger } from "@logtape/logtape";
import { openDatabase } from "../services/backend/store/connection/open_database.ts";
import { fillBeforeTenants } from "../tests/support/before_tenants.ts";
import { databaseConfig } from "../tests/support/database_config.ts";
import { upgradeTo } from "../tests/support/migrate_to.ts";
import { answersOlder, type OlderStatement } from "../tests/support/older_statements.ts";
import { onDatabases } from "../tests/support/on_databases.ts";

const log = getLogger("release-before-tenants-test");

/** What the release that brought tenants migrated to; the one after that drops what these need. */
const releaseAfter = "0008_latest_readings";

/** Statements of the release before, in its words; each with what it is to answer first. */
const statements: readonly OlderStatement[] = [
  {
    name: "a batch of readings of known devices",
    text: `
      with stored as (
        insert into sensor_readings
          (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
        select device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level
        from unnest(
          array['d1', 'd2', 'd2'], array[timestamptz '2025-01-01', '2025-01-01', '2025-01-01'],
          array[1, 1, 1]::int8[], array[20, 20, 20]::float8[], array[50, 50, 50]::float8[],
          array[1000, 1000, 1000]::float8[], array[90, 90, 90]::float8[]
        ) as r(device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
        order by r.device_id collate "C", r."timestamp", r.tie_break
        on conflict do nothing
        returning 1
      )
      select count(*)::int as stored from stored`,
    answer: { stored: 2 },
    never: /Seq Scan/,
  },
  {
    name: "a batch of readings, some of unknown devices",
    text: `
      with incoming as materialized (
        select r.*, (select true from iot_devices d where d.device_id = r.device_id) is true as known
        from unnest(
          array['d1', 'x1', 'x1'], array[timestamptz '2025-01-02', '2025-01-02', '2025-01-02'],
          array[1, 1, 1]::int8[], array[20, 20, 20]::float8[], array[50, 50, 50]::float8[],
          array[1000, 1000, 1000]::float8[], array[90, 90, 90]::float8[]
        ) as r(device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
        order by r.device_id collate "C", r."timestamp", r.tie_break
      ),
      parked as (
        insert into parked_readings
          (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
        select device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level
        from incoming where not known
        on conflict do nothing
        returning 1
      ),
      stored as (
        insert into sensor_readings
          (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
        select device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level
        from incoming where known
        on conflict do nothing
        returning 1
      )
      select
        (select count(*)::int from parked) as parked,
        (select count(*)::int from stored) as stored,
        (select array_agg(distinct device_id) from incoming where not known) as unknown`,
    answer: { parked: 1, stored: 1, unknown: ["x1"] },
    never: /Seq Scan/,
  },
  {
    name: "a batch of devices, and the readings that were parked for them",
    text: `
      with incoming as materialized (
        select * from json_to_recordset('[
          {"id":"d1","location":"a","mac":"","ip":"","firmware":"","latitude":0,"longitude":0,"seconds":4e9},
          {"id":"x7","location":"b","mac":"","ip":"","firmware":"","latitude":0,"longitude":0,"seconds":4e9}
        ]') as r(
          id text, location text, mac text, ip text, firmware text,
          latitude real, longitude real, seconds double precision
        )
        order by id collate "C"
      ),
      registered as (
        insert into iot_devices as d (
          device_id, location, mac_address, ip_address, firmware,
          latitude, longitude, last_seen, described_at
        )
        select id, location, mac, ip, firmware, latitude, longitude,
          to_timestamp(seconds), to_timestamp(seconds)
        from incoming
        on conflict (device_id) do update set
          location = excluded.location, mac_address = excluded.mac_address,
          ip_address = excluded.ip_address, firmware = excluded.firmware,
          latitude = excluded.latitude, longitude = excluded.longitude,
          last_seen = greatest(d.last_seen, excluded.last_seen),
          described_at = excluded.described_at
        where d.described_at <= excluded.described_at
      ),
      due as materialized (
        select parked.row_id from incoming cross join lateral (
          select ctid as row_id from parked_readings where device_id = id and refused is null
          order by "timestamp", tie_break limit 50000
          for update skip locked
        ) parked
        limit 50000
      ),
      released as (
        delete from parked_readings where ctid = any (array(select row_id from due))
        returning *
      ),
      stored as (
        insert into sensor_readings
          (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
        select device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level
        from released order by device_id collate "C", 2, 3
        on conflict do nothing
        returning device_id
      )
      select device_id, count(*)::int as stored from stored group by device_id`,
    answer: { device_id: "x7", stored: 100 },
    never: /Seq Scan/,
  },
  {
    name: "the first page of a device's readings",
    text: `
      select device_id, tie_break::text as tie from sensor_readings
      where device_id = 'd8'
      order by "timestamp" desc, tie_break desc
      limit 51`,
    answer: { device_id: "d8", tie: "19807" },
    never: /Sort|Seq Scan|Bitmap/,
  },
  {
    name: "a later page",
    text: `
      select device_id, tie_break::text as tie from sensor_readings
      where device_id = 'd8' and ("timestamp", tie_break) < (
        timestamptz '2024-03-01' + interval '19807 s', 19807
      )
      order by "timestamp" desc, tie_break desc
      limit 51`,
    answer: { device_id: "d8", tie: "19607" },
    never: /Sort|Seq Scan|Bitmap/,
  },
  {
    name: "the newest readings of a page of devices",
    text: `
      select r.device_id, json_array_length(recent.seconds) as recent
      from json_array_elements_text('["d8", "d9"]') with ordinality as wanted(id, at)
      cross join lateral (
        select device_id from sensor_readings
        where device_id = wanted.id
        order by "timestamp" desc, tie_break desc
        limit 1
      ) r
      cross join lateral (
        select json_agg(extract(epoch from newest."timestamp")) as seconds from (
          select "timestamp" from sensor_readings
          where device_id = wanted.id
          order by "timestamp" desc
          limit 10
        ) newest
      ) recent
      order by wanted.at`,
    answer: { device_id: "d8", recent: 10 },
    never: /Seq Scan|Bitmap/,
  },
  {
    name: "every device, with its newest instant",
    text: `
      select device_id, greatest(last_seen, (
        select "timestamp" from sensor_readings r
        where r.device_id = d.device_id and r."timestamp" <= now()
        order by r."timestamp" desc
        limit 1
      )) > '2024-01-01' as seen
      from iot_devices d where device_id > 'd8'
      order by device_id
      limit 2`,
    answer: { device_id: "d80", seen: true },
    never: /Seq Scan on sensor_readings/,
  },
  {
    name: "a release of all that is parked for known devices",
    text: `
      with recursive parked_ids as (
        (select device_id as id from parked_readings order by device_id limit 1)
        union all
        select (
          select device_id from parked_readings where device_id > parked_ids.id
          order by device_id limit 1
        )
        from parked_ids where id is not null
      )
      select count(*)::int as devices from parked_ids where id is not null`,
    // One of 200 was released above.
    answer: { devices: 199 },
    never: /Sort|Seq Scan/,
  },
  {
    name: "parting with what was parked",
    text: `
      with gone as materialized (
        select parked.row_id
        from unnest(
          array['x8'], array[timestamptz '2024-03-01' + interval '7 s'], array[7]::int8[]
        ) as given(id, at, tie)
        cross join lateral (
          select ctid as row_id from parked_readings
          where device_id = id and "timestamp" = at and tie_break = tie
          for update skip locked
        ) parked
      ),
      deleted as (
        delete from parked_readings where ctid = any (array(select row_id from gone))
        returning device_id
      )
      select * from deleted`,
    answer: { device_id: "x8" },
    never: /Seq Scan/,
  },
];

async function worksOn(url: string, test: Deno.TestContext): Promise<void> {
  await using database = await openDatabase(databaseConfig(url), log);
  const { db } = database;
  await fillBeforeTenants(db, 20_000);
  await upgradeTo(db, releaseAfter);
  await answersOlder(db, statements, test);
}

onDatabases("The release before tenants works on tables that were carried over", worksOn);
