import { type Kysely, sql } from "kysely";

/**
 * The primary key is a reading's identity, the index that pages are read from,
 * and named for that. `tie_break` tells apart readings of one device in one
 * microsecond: nanoseconds past it in the high bits, so that it orders them,
 * and a hash of the measured values below.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table sensor_readings (
      "timestamp" timestamptz not null,
      tie_break bigint not null,
      temperature double precision not null,
      humidity double precision not null,
      pressure double precision not null,
      battery_level double precision not null,
      device_id text collate "C" not null references iot_devices (device_id),
      constraint idx_device_timestamp primary key (device_id, "timestamp", tie_break)
    )`.execute(db);
  await sql`create index idx_timestamp on sensor_readings using brin ("timestamp")`.execute(db);
  await sql`
    comment on column sensor_readings.tie_break is
      'bits 53 up: nanoseconds past the microsecond, 0 to 999; below: hash of the measured values'`
    .execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table sensor_readings`.execute(db);
}
