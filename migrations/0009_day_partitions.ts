import { type Kysely, type RawBuilder, sql } from "kysely";
import { distributeLikeDevices } from "./distribute_like_devices.ts";
import type { NewCheck, OnlineStep } from "./online_step.ts";

/** As those come to them who write most. */
const tables = ["parked_readings", "sensor_readings", "iot_devices"];

export const locks = tables;

/** What the release before the one before this one needed. */
const keptForBefore = [
  "idx_device_timestamp_before",
  "idx_parked_device_timestamp_before",
  "iot_devices_device_id",
];
/** What a table that held rows is a partition as. */
const before = "sensor_readings_before";
/** Ends with the day that it ends before, which the name tells to one that goes on later. */
const boundOfBefore = "sensor_readings_before_";
const older = "sensor_readings_older";
const closed = "closed_readings";
/**
 * Days from today on that a database which held rows has no partitions of their
 * own for. The release before refuses readings of later ones from the first step
 * on: that is how long it may go on where the others are never taken.
 */
const daysInBefore = 32;
/** Days that are too few to go on with; readings are accepted up to a day from now. */
const tooFewDays = 16;
/** Days from today on that a partition is made for, after those of `before` if it is there. */
const daysAhead = 3;
/** Days before today that a fresh database has partitions of their own for. */
const daysOpen = 7;

/**
 * Rows stay where they are, in a table that is to be one partition: what tells
 * the database that they fit is checked while others write.
 */
export async function prepare(db: Kysely<unknown>): Promise<readonly OnlineStep[]> {
  if (!await isFilled(db)) return [];
  const found = await findBound(db);
  if (found !== undefined && found.daysLeft > tooFewDays) return [checkOf(found.until)];
  const until = await dayFromNow(db, daysInBefore);
  return [checkOf(until, found?.name)];
}

/** Readings by the day of their instants, so that whole days can be closed, packed and dropped. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Dropping an index locks its table, too.
  await lock(db, tables);
  for (const index of keptForBefore) await sql`drop index if exists ${sql.id(index)}`.execute(db);
  const filled = await isFilled(db);
  await sql`alter table sensor_readings rename to ${sql.id(before)}`.execute(db);
  await sql`alter index idx_device_timestamp rename to ${sql.id(`${before}_pkey`)}`.execute(db);
  await sql`alter index idx_timestamp rename to ${sql.id(`${before}_timestamp_idx`)}`.execute(db);
  for (const parent of ["sensor_readings", closed]) {
    await sql`
      create table ${sql.table(parent)} (
        like ${sql.table(before)} including defaults including comments
      ) partition by range ("timestamp")`.execute(db);
    await distributeLikeDevices(db, parent);
  }
  await sql`
    comment on table closed_readings is
      'days that nobody writes to any more, until they are packed into sensor_history'`.execute(db);
  await sql`
    alter table sensor_readings add constraint idx_device_timestamp
      primary key (tenant_id, device_id, "timestamp", tie_break)`.execute(db);
  await sql`create index idx_timestamp on sensor_readings using brin ("timestamp")`.execute(db);
  await sql`
    alter table sensor_readings add constraint sensor_readings_tenant_id_device_id_fkey
      foreign key (tenant_id, device_id) references iot_devices (tenant_id, device_id)`.execute(db);
  const from = await (filled ? attachBefore(db) : replaceBefore(db));
  await makeDays(db, from);
  await sql`
    create table reading_progress (
      only_row boolean primary key default true check (only_row),
      open_from timestamptz not null
    )`.execute(db);
  await sql`
    comment on column reading_progress.open_from is
      'days before it are closed: readings of them go to sensor_readings_older, and only those that are nowhere yet'`
    .execute(db);
  await sql`insert into reading_progress (open_from) values (${filled ? "-infinity" : from})`
    .execute(db);
}

/** @returns the first day that it does not hold. */
async function attachBefore(db: Kysely<unknown>): Promise<string> {
  const found = await findBound(db, before);
  const until = found?.until ?? await dayFromNow(db, daysInBefore);
  if (found === undefined) {
    const { constraint, condition } = checkOf(until);
    await sql`
      alter table ${sql.table(before)} add constraint ${sql.id(constraint)} check (${condition})`
      .execute(db);
  }
  await attach(db, before, sql`minvalue`, instantOf(until));
  return until;
}

/** @returns the first day that has a partition of its own. */
async function replaceBefore(db: Kysely<unknown>): Promise<string> {
  await sql`drop table ${sql.table(before)}`.execute(db);
  const until = await dayFromNow(db, -daysOpen);
  await newPartition(db, older);
  await attach(db, older, sql`minvalue`, instantOf(until));
  return until;
}

/** Makes partitions of days, from `from` on, a date. */
async function makeDays(db: Kysely<unknown>, from: string): Promise<void> {
  const { rows } = await sql<{ readonly day: string; readonly next: string }>`
    select day::date::text as day, (day + interval '1 day')::date::text as next
    from generate_series(
      ${from}::date::timestamp,
      (now() at time zone 'UTC')::date + ${daysAhead}::int - 1,
      interval '1 day'
    ) as day`.execute(db);
  for (const { day, next } of rows) {
    const name = `sensor_readings_${day.replaceAll("-", "")}`;
    await newPartition(db, name);
    // So that it need not be read when it is closed.
    await sql`
      alter table ${sql.table(name)} add constraint ${sql.id(`${name}_days`)}
        check ("timestamp" >= ${instantOf(day)} and "timestamp" < ${instantOf(next)})`.execute(db);
    await attach(db, name, instantOf(day), instantOf(next));
  }
}

async function newPartition(db: Kysely<unknown>, name: string): Promise<void> {
  await sql`
    create table ${sql.table(name)} (like sensor_readings including defaults including comments)`
    .execute(db);
  await distributeLikeDevices(db, name);
}

async function attach(
  db: Kysely<unknown>,
  name: string,
  from: RawBuilder<unknown>,
  until: RawBuilder<unknown>,
): Promise<void> {
  await sql`
    alter table sensor_readings attach partition ${sql.table(name)}
      for values from (${from}) to (${until})`.execute(db);
}

async function lock(db: Kysely<unknown>, tables: readonly string[]): Promise<void> {
  const all = sql.join(tables.map((table) => sql.table(table)));
  await sql`lock table ${all} in access exclusive mode`.execute(db);
}

async function isFilled(db: Kysely<unknown>): Promise<boolean> {
  const { rows: [found] } = await sql<{ readonly filled: boolean }>`
    select exists (select 1 from sensor_readings) as filled`.execute(db);
  return found!.filled;
}

interface Bound {
  readonly name: string;
  /** The first day that is past it. */
  readonly until: string;
  readonly daysLeft: number;
}

/** What tells of a table that held rows which days they are of, if that is told yet. */
async function findBound(
  db: Kysely<unknown>,
  table = "sensor_readings",
): Promise<Bound | undefined> {
  const { rows: [bound] } = await sql<Bound>`
    select conname::text as name, until::text as until,
      until - (now() at time zone 'UTC')::date as "daysLeft"
    from pg_constraint,
      lateral (select right(conname, 8)::date as until) as named
    where conrelid = to_regclass(${table}) and contype = 'c'
      and conname ~ ${`^${boundOfBefore}[0-9]{8}$`}
    order by conname desc limit 1`.execute(db);
  return bound;
}

function checkOf(until: string, insteadOf?: string): NewCheck {
  return {
    adds: "check",
    table: "sensor_readings",
    constraint: boundOfBefore + until.replaceAll("-", ""),
    condition: sql`"timestamp" < ${instantOf(until)}`,
    ...(insteadOf === undefined ? {} : { insteadOf }),
  };
}

/** @returns a date, by the database's clock. */
async function dayFromNow(db: Kysely<unknown>, days: number): Promise<string> {
  const { rows: [row] } = await sql<{ readonly day: string }>`
    select ((now() at time zone 'UTC')::date + ${days}::int)::text as day`.execute(db);
  return row!.day;
}

/** The beginning of a day, as the text of a statement that takes no parameters. */
function instantOf(day: string): RawBuilder<unknown> {
  return sql`timestamptz ${sql.lit(`${day} 00:00:00+00`)}`;
}

/** All that is stored is in one table again, which takes as long as to store it did. */
export const takesNoData = true;

export async function down(db: Kysely<unknown>): Promise<void> {
  await lock(db, [...tables, closed]);
  await sql`
    create table whole (like sensor_readings including defaults including comments)`.execute(db);
  await sql`insert into whole select * from sensor_readings`.execute(db);
  await sql`insert into whole select * from closed_readings`.execute(db);
  await sql`drop table sensor_readings, closed_readings, reading_progress`.execute(db);
  await sql`alter table whole rename to sensor_readings`.execute(db);
  await sql`
    alter table sensor_readings
      add constraint idx_device_timestamp
        primary key (tenant_id, device_id, "timestamp", tie_break),
      add constraint sensor_readings_tenant_id_device_id_fkey
        foreign key (tenant_id, device_id) references iot_devices (tenant_id, device_id)`
    .execute(db);
  await sql`create index idx_timestamp on sensor_readings using brin ("timestamp")`.execute(db);
  await sql`create unique index iot_devices_device_id on iot_devices (device_id)`.execute(db);
}
