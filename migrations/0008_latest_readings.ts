import { type Kysely, sql } from "kysely";

export const locks = ["iot_devices"];

/**
 * Each device's newest reading in the device's own row, which lags behind the
 * readings: who reads it must know by how much.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table iot_devices
      add column latest_timestamp timestamptz,
      add column latest_tie_break bigint,
      add column latest_temperature double precision,
      add column latest_humidity double precision,
      add column latest_pressure double precision,
      add column latest_battery_level double precision,
      add column typical_interval double precision,
      add column latest_for timestamptz`.execute(db);
  await sql`
    comment on column iot_devices.typical_interval is
      'usual seconds between two of its newest few readings; null where these are too few to tell'`
    .execute(db);
  await sql`
    comment on column iot_devices.latest_for is
      'the last_seen that the newest reading is told for: another, or null, says that it may be behind'`
    .execute(db);
  await sql`
    create table lagging_writers (
      writer_id uuid primary key,
      renewed_at timestamptz not null
    )`.execute(db);
  await sql`
    comment on table lagging_writers is
      'backends that may have stored readings which the rows of their devices do not tell yet'`
    .execute(db);
  // As if by a backend that is gone: the first one that starts has the rows tell.
  await sql`
    insert into lagging_writers
    select gen_random_uuid(), '-infinity' where exists (select 1 from iot_devices)`.execute(db);
}

export const takesNoData = true;

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table lagging_writers`.execute(db);
  await sql`
    alter table iot_devices
      drop column latest_timestamp,
      drop column latest_tie_break,
      drop column latest_temperature,
      drop column latest_humidity,
      drop column latest_pressure,
      drop column latest_battery_level,
      drop column typical_interval,
      drop column latest_for`.execute(db);
}
