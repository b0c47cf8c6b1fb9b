import { type Kysely, sql } from "kysely";

/** What bounds `parked_readings`: the oldest are found at once, and taken by one backend at a time. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table parked_readings add column leaving_at timestamptz`.execute(db);
  await sql`
    comment on column parked_readings.leaving_at is
      'when a backend last began to dead-letter it, since it was parked for too long or too many were'`
    .execute(db);
  await sql`create index idx_parked_at on parked_readings (parked_at)`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop index idx_parked_at`.execute(db);
  await sql`alter table parked_readings drop column leaving_at`.execute(db);
}
