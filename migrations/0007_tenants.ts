import { type Kysely, type RawBuilder, sql } from "kysely";
import { CannotUndo } from "./cannot_undo.ts";
import type { NewColumn, NewForeignKey, NewIndex, OnlineStep } from "./online_step.ts";

/** As those come to them who write most: readings, then the devices that these refer to. */
const tables = ["parked_readings", "sensor_readings", "iot_devices"];

export const locks = tables;

const newTable = {
  adds: "table",
  table: "tenants",
  statements: [
    sql`
      create table if not exists tenants (
        tenant_id integer primary key,
        name text collate "C" not null unique
      )`,
    sql`insert into tenants values (0, 'default') on conflict do nothing`,
  ],
} as const;

const newColumns: readonly NewColumn[] = tables.map((table) => ({
  adds: "column",
  table,
  column: "tenant_id",
  definition: sql`integer not null default 0`,
}));

/** A primary key to be: its index is built beside the key that there is, and takes its place. */
interface NextKey extends NewIndex {
  readonly constraint: string;
}

function nextKey(table: string, constraint: string, columns: RawBuilder<unknown>): NextKey {
  const index = `${table}_next_key`;
  return { adds: "index", table, index, unique: true, columns, constraint };
}

const ofReading = sql`tenant_id, device_id, "timestamp", tie_break`;
const deviceKey = nextKey("iot_devices", "iot_devices_pkey", sql`tenant_id, device_id`);
const readingKey = nextKey("sensor_readings", "idx_device_timestamp", ofReading);
const parkedKey = nextKey("parked_readings", "parked_readings_pkey", ofReading);

/** What the release before names in its `on conflict`; the migration of the release after drops it. */
const deviceIds: NewIndex = {
  adds: "index",
  table: "iot_devices",
  index: "iot_devices_device_id",
  unique: true,
  columns: sql`device_id`,
};

/**
 * What the release before finds readings by, since it names no tenant; where
 * there are none by now, ingest is spared it. The migration of the release
 * after drops it, by `drop index if exists`.
 */
function keyBefore(table: string, index: string): NewIndex {
  return {
    adds: "index",
    table,
    index,
    unique: false,
    columns: sql`device_id, "timestamp", tie_break`,
    note: `for older releases; once none runs, it may go: drop index concurrently ${index}`,
  };
}

const keysBefore = [
  keyBefore("sensor_readings", "idx_device_timestamp_before"),
  keyBefore("parked_readings", "idx_parked_device_timestamp_before"),
];

const foreignKeys: readonly NewForeignKey[] = [
  {
    adds: "foreign key",
    table: "iot_devices",
    constraint: "iot_devices_tenant_id_fkey",
    columns: sql`tenant_id`,
    references: "tenants",
  },
  {
    adds: "foreign key",
    table: "sensor_readings",
    constraint: "sensor_readings_tenant_id_device_id_fkey",
    columns: sql`tenant_id, device_id`,
    references: "iot_devices",
  },
];

export async function prepare(db: Kysely<unknown>): Promise<readonly OnlineStep[]> {
  const { rows: [found] } = await sql<{ readonly filled: boolean }>`
    select exists (select from iot_devices) or exists (select from sensor_readings)
      or exists (select from parked_readings) as filled`.execute(db);
  if (!found!.filled) return [];
  const indexes = [deviceIds, deviceKey, readingKey, parkedKey, ...keysBefore];
  return [newTable, ...newColumns, ...indexes, ...foreignKeys];
}

/** Whose a row is, at the head of every key; what was there before is the default tenant's. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of newTable.statements) await statement.execute(db);
  await lock(db);
  for (const { table, column, definition } of newColumns) {
    await sql`
      alter table ${sql.table(table)} add column if not exists ${sql.id(column)} ${definition}`
      .execute(db);
  }
  await sql`alter table sensor_readings drop constraint sensor_readings_device_id_fkey`.execute(db);
  if (!await isBuilt(db, deviceIds)) {
    await sql`create unique index iot_devices_device_id on iot_devices (device_id)`.execute(db);
  }
  for (const key of [deviceKey, readingKey, parkedKey]) await changeKey(db, key);
  for (const key of foreignKeys) await refer(db, key);
}

async function lock(db: Kysely<unknown>): Promise<void> {
  const all = sql.join(tables.map((table) => sql.table(table)));
  await sql`lock table ${all} in access exclusive mode`.execute(db);
}

async function changeKey(db: Kysely<unknown>, key: NextKey): Promise<void> {
  const [table, constraint] = [sql.table(key.table), sql.id(key.constraint)];
  const built = await isBuilt(db, key);
  await sql`
    alter table ${table} drop constraint ${constraint}, add constraint ${constraint} primary key ${
    built ? sql`using index ${sql.id(key.index)}` : sql`(${key.columns})`
  }`.execute(db);
}

/** Whether an index is there; what an interrupted build left of it is not, and goes. */
async function isBuilt(db: Kysely<unknown>, { index }: NewIndex): Promise<boolean> {
  const { rows: [found] } = await sql<{ readonly valid: boolean }>`
    select indisvalid as valid from pg_index where indexrelid = to_regclass(${index})`.execute(db);
  if (found?.valid === false) await sql`drop index ${sql.id(index)}`.execute(db);
  return found?.valid === true;
}

async function refer(db: Kysely<unknown>, key: NewForeignKey): Promise<void> {
  const [table, constraint] = [sql.table(key.table), sql.id(key.constraint)];
  const { rows: [found] } = await sql<{ readonly valid: boolean }>`
    select convalidated as valid from pg_constraint
    where conrelid = to_regclass(${key.table}) and conname = ${key.constraint}`.execute(db);
  if (found === undefined) {
    await sql`
      alter table ${table} add constraint ${constraint} foreign key (${key.columns})
        references ${sql.table(key.references)} (${key.columns})`.execute(db);
  } else if (!found.valid) {
    await sql`alter table ${table} validate constraint ${constraint}`.execute(db);
  }
}

/** It refuses where there are other tenants. */
export const takesNoData = true;

/** @throws {CannotUndo} where there are other tenants than the default one. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await lock(db);
  await refuseOthers(db);
  for (const { index } of keysBefore) {
    await sql`drop index if exists ${sql.id(index)}`.execute(db);
  }
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

async function refuseOthers(db: Kysely<unknown>): Promise<void> {
  await sql`lock table tenants in share row exclusive mode`.execute(db);
  // Each by the head of a key: what is not the default tenant's comes before it or after it.
  const { rows: [other] } = await sql<{ readonly tenant: number }>`
    select tenant_id as tenant from tenants where tenant_id <> 0
    union all (select tenant_id from parked_readings where tenant_id < 0 limit 1)
    union all (select tenant_id from parked_readings where tenant_id > 0 limit 1)
    limit 1`.execute(db);
  if (other === undefined) return;
  throw new CannotUndo(
    `tenant ${other.tenant} would be lost among the default tenant's; ` +
      "move or delete its devices, its readings and its row in tenants first",
  );
}
