import { type Kysely, sql } from "kysely";

export const locks = ["reading_progress"];

/** Which days have lost readings, of whichever form: those beside them may be kept for longer. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table reading_progress add column dropped tstzmultirange not null default '{}'`
    .execute(db);
  await sql`
    comment on column reading_progress.dropped is
      'days of which readings are gone: their rollups are what is left, and stay as they are'`
    .execute(db);
  await sql`
    update reading_progress
    set dropped = tstzmultirange(tstzrange('-infinity', dropped_until))
    where dropped_until > '-infinity'`.execute(db);
  // No release has had it.
  await sql`alter table reading_progress drop column dropped_until`.execute(db);
}

export const takesNoData = true;

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table reading_progress
      add column dropped_until timestamptz not null default '-infinity'`.execute(db);
  await sql`
    comment on column reading_progress.dropped_until is
      'readings of before it are gone: their rollups are what is left, and stay as they are'`
    .execute(db);
  await sql`
    update reading_progress set dropped_until = upper(dropped) where dropped <> '{}'`.execute(db);
  await sql`alter table reading_progress drop column dropped`.execute(db);
}
