import { type Kysely, sql } from "kysely";
import { distributeLikeDevices } from "./distribute_like_devices.ts";

const levels = [
  ["rollups_minute", "a minute"],
  ["rollups_hour", "an hour"],
  ["rollups_day", "a day (UTC)"],
] as const;

/**
 * What readings come to in buckets of time, and how far that is kept up. Nothing
 * is rolled up at first, so nothing needs to be marked.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const [table, bucket] of levels) {
    await sql`
      create table ${sql.table(table)} (
        tenant_id integer not null,
        readings integer not null,
        starts_at timestamptz not null,
        temperature_min double precision not null,
        temperature_max double precision not null,
        temperature_mean double precision not null,
        temperature_last double precision not null,
        humidity_min double precision not null,
        humidity_max double precision not null,
        humidity_mean double precision not null,
        humidity_last double precision not null,
        pressure_min double precision not null,
        pressure_max double precision not null,
        pressure_mean double precision not null,
        pressure_last double precision not null,
        battery_level_min double precision not null,
        battery_level_max double precision not null,
        battery_level_mean double precision not null,
        battery_level_last double precision not null,
        device_id text collate "C" not null
      ) partition by range (starts_at)`.execute(db);
    await distributeLikeDevices(db, table);
    await sql`
      alter table ${sql.table(table)} add primary key (tenant_id, device_id, starts_at)`
      .execute(db);
    await sql`
      comment on table ${sql.table(table)} is ${
      sql.lit(
        `what a device's readings of ${bucket} come to: before reading_progress.rolled_until, ` +
          "and but for the hours in rollup_marks",
      )
    }`.execute(db);
  }
  await sql`
    create table rollup_marks (
      tenant_id integer not null,
      hour timestamptz not null,
      device_id text collate "C" not null
    )`.execute(db);
  await distributeLikeDevices(db, "rollup_marks");
  await sql`create index idx_rollup_marks on rollup_marks (tenant_id, device_id, hour)`.execute(db);
  await sql`
    comment on table rollup_marks is
      'hours of devices that readings came to after they were rolled up: rolled up again, and read from the readings until then'`
    .execute(db);
  await sql`
    alter table reading_progress
      add column marking_until timestamptz not null default '-infinity',
      add column rolled_until timestamptz not null default '-infinity',
      add column dropped_until timestamptz not null default '-infinity',
      add column minutes_dropped_until timestamptz not null default '-infinity',
      add column hours_dropped_until timestamptz not null default '-infinity',
      add column days_dropped_until timestamptz not null default '-infinity'`.execute(db);
  await sql`
    comment on column reading_progress.marking_until is
      'who stores readings of before it marks their hours'`.execute(db);
  await sql`
    comment on column reading_progress.rolled_until is
      'an hour''s beginning: buckets that end there or before are rolled up'`.execute(db);
  await sql`
    comment on column reading_progress.dropped_until is
      'readings of before it are gone: their rollups are what is left, and stay as they are'`
    .execute(db);
}

/** Of readings that are dropped, rollups are all that there is. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table rollups_minute, rollups_hour, rollups_day, rollup_marks`.execute(db);
  await sql`
    alter table reading_progress
      drop column marking_until,
      drop column rolled_until,
      drop column dropped_until,
      drop column minutes_dropped_until,
      drop column hours_dropped_until,
      drop column days_dropped_until`.execute(db);
}
