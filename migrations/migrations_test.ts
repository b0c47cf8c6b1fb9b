import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { openDatabase } from "../services/backend/store/connection/open_database.ts";
import {
  listMigrations,
  migrateDown,
  migrateToLatest,
} from "../services/backend/store/schema/migrate.ts";
import { databaseConfig } from "../tests/support/database_config.ts";
import { onDatabases, onPostgres } from "../tests/support/on_databases.ts";
import { schemaOf } from "../tests/support/schema_of.ts";
import { migrations } from "./index.ts";

const log = getLogger("migrations-test");

async function forthAndBack(url: string): Promise<readonly string[]> {
  await using database = await openDatabase(databaseConfig(url), log);
  const { db } = database;
  assert.deepEqual(await schemaOf(db), []);
  await migrateToLatest(db, log);
  const first = await schemaOf(db);
  const steps = [first];
  for (let left = Object.keys(migrations).length; left > 0; left--) {
    await migrateDown(db, log);
    steps.push(await schemaOf(db));
    assert.equal(
      (await listMigrations(db)).filter(({ appliedAt }) => appliedAt !== undefined).length,
      left - 1,
    );
  }
  assert.deepEqual(steps.at(-1), [], "every migration undoes all that it did");
  await migrateToLatest(db, log);
  assert.deepEqual(await schemaOf(db), first);
  await migrateToLatest(db, log);
  assert.deepEqual(await schemaOf(db), first);
  // A step back and forth, from the newest.
  await migrateDown(db, log);
  assert.deepEqual(await schemaOf(db), steps[1]);
  await migrateToLatest(db, log);
  assert.deepEqual(await schemaOf(db), first);
  return first;
}

/** The names that people's dashboards and scripts use. */
function checkNames(schema: readonly string[]): void {
  for (
    const definition of [
      "CREATE UNIQUE INDEX idx_device_timestamp ON ONLY public.sensor_readings USING btree (tenant_id, device_id, ",
      "CREATE INDEX idx_timestamp ON ONLY public.sensor_readings ",
      "CREATE INDEX idx_last_seen ON public.iot_devices ",
      "iot_devices 1 device_id text ",
    ]
  ) {
    assert.ok(schema.some((line) => line.startsWith(definition)), definition);
  }
}

onDatabases("Migrations go forth, back and forth again", async (url) => {
  checkNames(await forthAndBack(url));
});

onPostgres("Several migrators at once take turns", async (url) => {
  await using open = new AsyncDisposableStack();
  const databases = await Promise.all(
    Array.from({ length: 5 }, () => openDatabase(databaseConfig(url), log)),
  );
  for (const database of databases) open.use(database);
  await Promise.all(databases.map(({ db }) => migrateToLatest(db, log)));
  const { db } = databases[0]!;
  const listed = await listMigrations(db);
  assert.deepEqual(listed.map(({ name }) => name), Object.keys(migrations));
  assert.ok(listed.every(({ appliedAt }) => appliedAt !== undefined));
  checkNames(await schemaOf(db));
});

Deno.test("Migrations are named in the order that they are applied in", () => {
  const names = Object.keys(migrations);
  assert.deepEqual(names, names.toSorted());
  names.forEach((name, at) =>
    assert.match(name, new RegExp(`^${String(at + 1).padStart(4, "0")}_`))
  );
});
