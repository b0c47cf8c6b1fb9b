import { type Kysely, sql } from "kysely";

/**
 * What a release must know to work on this schema. A migration that takes away
 * what older releases use adds, in its `up`, the name of the migration that
 * told them of it first, and takes it out again in its `down`: a release that
 * does not know that one starts no more.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table schema_floor (
      must_know text not null,
      required_by text not null,
      primary key (required_by, must_know)
    )`.execute(db);
  await sql`
    comment on table schema_floor is
      'migrations that a release must know, or it does not work on this schema, and which one says so'`
    .execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table schema_floor`.execute(db);
}
