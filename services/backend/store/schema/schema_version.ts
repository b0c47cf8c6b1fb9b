import { type Kysely, sql } from "kysely";
import { migrations } from "#migrations/index.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import type { Database } from "../database.ts";

/** What the database says of its schema, seen from this release. */
export interface SchemaVersion {
  /** Applied, and of a later release, the oldest first. */
  readonly unknown: readonly string[];
  /** Of this release, and not applied. */
  readonly missing: readonly string[];
  /** What this release would have to know, and does not. */
  readonly floors: readonly SchemaFloor[];
}

interface SchemaFloor {
  readonly mustKnow: string;
  readonly requiredBy: string;
}

export async function readSchemaVersion(db: Kysely<Database>): Promise<SchemaVersion> {
  const applied = await tableExists(db, "kysely_migration")
    ? (await sql<{ readonly name: string }>`select name from kysely_migration order by name`
      .execute(db)).rows.map(({ name }) => name)
    : [];
  const floors = await tableExists(db, "schema_floor")
    ? await db.selectFrom("schema_floor")
      .select(["must_know as mustKnow", "required_by as requiredBy"])
      .execute()
    : [];
  const known = Object.keys(migrations);
  return {
    unknown: applied.filter((name) => !known.includes(name)),
    missing: known.filter((name) => !applied.includes(name)),
    floors: floors.filter(({ mustKnow }) => !known.includes(mustKnow)),
  };
}

/** @throws {ExitError} if the schema says that it breaks this release. */
export function refuseBrokenBy({ floors: [floor] }: SchemaVersion): void {
  if (floor === undefined) return;
  throw new ExitError(
    `Cannot use the database: since ${floor.requiredBy}, its schema needs a release that knows ` +
      `${floor.mustKnow}; this one knows up to ${Object.keys(migrations).at(-1)}. ` +
      "Run a later release, or undo the migration by it",
  );
}

/** Whether this release works on the schema as it is: on its own, or on a later one. */
export async function knowsSchema(db: Kysely<Database>): Promise<boolean> {
  const { missing, floors } = await readSchemaVersion(db);
  return missing.length === 0 && floors.length === 0;
}

async function tableExists(db: Kysely<Database>, name: string): Promise<boolean> {
  const { rows: [row] } = await sql<{ readonly there: boolean }>`
    select to_regclass(${name}) is not null as there`.execute(db);
  return row!.there;
}
