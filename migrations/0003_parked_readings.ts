import { type Kysely, sql } from "kysely";

/** Readings whose device is not yet known; moved to `sensor_readings` once it is. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table parked_readings (
      "timestamp" timestamptz not null,
      tie_break bigint not null,
      temperature double precision not null,
      humidity double precision not null,
      pressure double precision not null,
      battery_level double precision not null,
      parked_at timestamptz not null default now(),
      device_id text collate "C" not null,
      primary key (device_id, "timestamp", tie_break)
    )`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table parked_readings`.execute(db);
}
