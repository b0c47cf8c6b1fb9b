import { type Kysely, sql } from "kysely";

/**
 * Ids are compared byte by byte (collation C): faster, the same order on every
 * server, and no index goes bad when an operating system changes its collations.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table iot_devices (
      device_id text collate "C" primary key,
      location text not null,
      mac_address text not null,
      ip_address text not null,
      firmware text not null,
      latitude real not null,
      longitude real not null,
      last_seen timestamptz not null,
      described_at timestamptz not null
    )`.execute(db);
  await sql`create index idx_last_seen on iot_devices (last_seen)`.execute(db);
  await sql`
    comment on column iot_devices.last_seen is
      'newest of the device''s own messages and its readings'`.execute(db);
  await sql`
    comment on column iot_devices.described_at is
      'last_seen of the message that the description came with: an older one must not undo it'`
    .execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table iot_devices`.execute(db);
}
