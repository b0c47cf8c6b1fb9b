import { type Kysely, sql } from "kysely";
import { CannotUndo } from "./cannot_undo.ts";
import { distributeLikeDevices } from "./distribute_like_devices.ts";

/**
 * Readings of days that are over, packed: a row for a stretch of a device's day.
 * They are dense by themselves, so that compressing them again is spared.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table sensor_history (
      tenant_id integer not null default 0,
      device_id text collate "C" not null,
      first_at timestamptz not null,
      last_at timestamptz not null,
      readings integer not null,
      packed bytea not null,
      primary key (tenant_id, device_id, first_at)
    ) partition by range (first_at)`.execute(db);
  await sql`alter table sensor_history alter column packed set storage external`.execute(db);
  await sql`
    comment on column sensor_history.packed is 'as docs/history_format.md tells'`.execute(db);
  await sql`
    create table staged_history (
      like sensor_history including defaults including storage including comments,
      primary key (tenant_id, device_id, first_at)
    )`.execute(db);
  await sql`
    comment on table staged_history is
      'what becomes of a closed day, until all of it is there and takes the place of the day'`
    .execute(db);
  await distributeLikeDevices(db, "sensor_history", "staged_history");
  await sql`
    alter table sensor_history add constraint sensor_history_tenant_id_device_id_fkey
      foreign key (tenant_id, device_id) references iot_devices (tenant_id, device_id)`.execute(db);
  await sql`
    create table compactions (
      partition text primary key,
      stretch timestamptz not null,
      tenant_id integer not null,
      device_id text collate "C" not null,
      resumed_at timestamptz,
      readings bigint not null
    )`.execute(db);
  await sql`
    comment on table compactions is
      'partitions of closed_readings that are being packed, and up to which device of which stretch of time they are'`
    .execute(db);
  await sql`
    create table compacted_days (
      day date primary key,
      readings bigint not null,
      row_bytes bigint not null,
      packed_bytes bigint not null,
      compacted_at timestamptz not null,
      expanded boolean not null default false
    )`.execute(db);
  await sql`
    comment on table compacted_days is
      'days that were packed: their size as rows before, and packed after'`.execute(db);
  await sql`
    comment on column compacted_days.expanded is
      'whether its readings are rows again, as a person wanted, until they are to be packed'`
    .execute(db);
}

/** It refuses where there are readings that are packed. */
export const takesNoData = true;

/** @throws {CannotUndo} where readings are packed. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`lock table sensor_history in access exclusive mode`.execute(db);
  const { rows: [found] } = await sql<{ readonly packed: boolean }>`
    select exists (select 1 from sensor_history) as packed`.execute(db);
  if (found!.packed) {
    throw new CannotUndo(
      "readings are packed, and would be lost; have them be rows again first, by " +
        "demo-app history expand --from=DAY --to=DAY, with backend.history.compaction off",
    );
  }
  await sql`drop table sensor_history, staged_history, compactions, compacted_days`.execute(db);
}
