import { type Kysely, sql } from "kysely";

/** Whose a row is, at the head of every key; what was there before is the default tenant's. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table tenants (
      tenant_id integer primary key,
      name text collate "C" not null unique
    )`.execute(db);
  await sql`insert into tenants values (0, 'default')`.execute(db);
  for (const table of ["iot_devices", "sensor_readings", "parked_readings"]) {
    await sql`alter table ${sql.table(table)} add column tenant_id integer not null default 0`
      .execute(db);
  }
  await sql`
    alter table sensor_readings
      drop constraint sensor_readings_device_id_fkey,
      drop constraint idx_device_timestamp,
      add constraint idx_device_timestamp primary key (tenant_id, device_id, "timestamp", tie_break)`
    .execute(db);
  await sql`
    alter table iot_devices
      drop constraint iot_devices_pkey,
      add primary key (tenant_id, device_id),
      add foreign key (tenant_id) references tenants`.execute(db);
  // What the release before names in its `on conflict`.
  await sql`create unique index iot_devices_device_id on iot_devices (device_id)`.execute(db);
  await sql`
    alter table sensor_readings
      add foreign key (tenant_id, device_id) references iot_devices (tenant_id, device_id)`
    .execute(db);
  await sql`
    alter table parked_readings
      drop constraint parked_readings_pkey,
      add primary key (tenant_id, device_id, "timestamp", tie_break)`.execute(db);
}

/** It refuses where there are other tenants. */
export const takesNoData = true;

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table sensor_readings
      drop constraint sensor_readings_tenant_id_device_id_fkey,
      drop constraint idx_device_timestamp,
      drop column tenant_id,
      add constraint idx_device_timestamp primary key (device_id, "timestamp", tie_break)`
    .execute(db);
  await sql`drop index iot_devices_device_id`.execute(db);
  await sql`
    alter table iot_devices
      drop constraint iot_devices_pkey, drop column tenant_id, add primary key (device_id)`
    .execute(db);
  await sql`
    alter table sensor_readings
      add foreign key (device_id) references iot_devices (device_id)`.execute(db);
  await sql`
    alter table parked_readings
      drop constraint parked_readings_pkey,
      drop column tenant_id,
      add primary key (device_id, "timestamp", tie_break)`.execute(db);
  await sql`drop table tenants`.execute(db);
}
