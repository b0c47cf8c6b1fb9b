import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { migrations } from "#migrations/index.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import {
  eachDatabase,
  postgresTest,
  type StoreCase,
} from "../../../../tests/support/each_database.ts";
import { keptLog } from "../../../../tests/support/log_lines.ts";
import { waitUntil } from "../../../../tests/support/wait_until.ts";
import type { Database } from "../database.ts";
import { listMigrations, migrateDown, migrateToLatest } from "./migrate.ts";
import { knowsSchema } from "./schema_version.ts";

const log = getLogger("migrate-test");
const latest = Object.keys(migrations).at(-1)!;

/** Does `work` on the schema of a release that has one migration more. */
function onLaterSchema(work: StoreCase): StoreCase {
  return async (db) => {
    await applyLater(db);
    try {
      await work(db);
    } finally {
      await sql`delete from kysely_migration where name = '9999_later'`.execute(db);
      await sql`delete from schema_floor where required_by = '9999_later'`.execute(db);
    }
  };
}

async function applyLater(db: Kysely<Database>): Promise<void> {
  await sql`insert into kysely_migration values ('9999_later', '2099-01-01T00:00:00Z')`.execute(db);
}

const requireOf = (db: Kysely<Database>, mustKnow: string) =>
  sql`insert into schema_floor values (${mustKnow}, '9999_later')`.execute(db);

eachDatabase("A release on the schema of a later one", {
  "starts, and lists what it does not know": onLaterSchema(async (db) => {
    await migrateToLatest(db, log);
    assert.equal(await knowsSchema(db), true);
    const [known, later] = (await listMigrations(db)).slice(-2);
    assert.deepEqual([known!.name, known!.known], [latest, true]);
    assert.deepEqual(later, {
      name: "9999_later",
      appliedAt: new Date("2099-01-01T00:00:00Z"),
      known: false,
    });
  }),

  "starts where that asks only for what it knows": onLaterSchema(async (db) => {
    await requireOf(db, latest);
    await migrateToLatest(db, log);
    assert.equal(await knowsSchema(db), true);
  }),

  "is refused where that says that it breaks it": onLaterSchema(async (db) => {
    await requireOf(db, "9998_told");
    await assert.rejects(migrateToLatest(db, log), (error) => {
      assert.ok(error instanceof ExitError);
      assert.match(error.message, /since 9999_later, .* knows 9998_told; this one knows up to 0/);
      return true;
    });
    assert.equal(await knowsSchema(db), false);
  }),

  "undoes nothing that it does not know": onLaterSchema(async (db) => {
    const before = await listMigrations(db);
    await assert.rejects(migrateDown(db, log), (error) => {
      assert.ok(error instanceof ExitError);
      assert.match(error.message, /^Cannot undo 9999_later: this release does not know it/);
      return true;
    });
    assert.deepEqual(await listMigrations(db), before);
  }),

  async "does not know a schema that lacks a migration of its own"(db) {
    await migrateDown(db, log);
    assert.equal(await knowsSchema(db), false);
    await migrateToLatest(db, log);
    assert.equal(await knowsSchema(db), true);
  },
});

/** Kysely's own, which who migrates holds. */
const migrating = sql`3853314791062309107`;

postgresTest("A release that starts while a later one migrates", {
  async "does not wait where it has nothing to migrate"(db) {
    await db.connection().execute(async (later) => {
      await sql`select pg_advisory_lock(${migrating})`.execute(later);
      await migrateToLatest(db, log);
      await sql`select pg_advisory_unlock(${migrating})`.execute(later);
    });
  },

  async "waits its turn where it has, and finds all of it done"(db) {
    await migrateDown(db, log);
    const kept = keptLog();
    let starting: Promise<void> | undefined;
    await db.connection().execute(async (later) => {
      await sql`select pg_advisory_lock(${migrating})`.execute(later);
      starting = migrateToLatest(db, kept.log);
      await waitUntil(
        () => kept.lines.some(({ message }) => /^Waiting for another/.test(message)),
        {
          what: "the release to wait for its turn",
        },
      );
      await later.transaction().execute((transaction) => migrations[latest]!.up(transaction));
      await sql`insert into kysely_migration values (${latest}, '2098-01-01T00:00:00Z')`
        .execute(later);
      await applyLater(later);
      await sql`select pg_advisory_unlock(${migrating})`.execute(later);
    });
    await starting;
    assert.equal((await listMigrations(db)).at(-1)!.known, false);
    assert.equal(await knowsSchema(db), true);
  },
});
