import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { sql } from "kysely";
import { openDatabase } from "../services/backend/store/connection/open_database.ts";
import { rollupProgress } from "../services/backend/store/rollups/rollup_progress.ts";
import { databaseConfig } from "../tests/support/database_config.ts";
import { migrateTo } from "../tests/support/migrate_to.ts";
import { onDatabases } from "../tests/support/on_databases.ts";

const before = "0011_rollups";
const droppedSpans = "0012_dropped_spans";

onDatabases("Readings that are gone stay known as gone, whether any are", async (url) => {
  await using database = await openDatabase(databaseConfig(url), getLogger("dropped-spans-test"));
  const { db } = database;
  for (
    const [until, dropped] of [
      ["-infinity", []],
      ["2024-03-01 00:00+00", [{ fromMicros: -Infinity, untilMicros: Date.UTC(2024, 2) * 1_000 }]],
    ] as const
  ) {
    await migrateTo(db, before);
    await sql`update reading_progress set dropped_until = ${until}::timestamptz`.execute(db);
    await migrateTo(db, droppedSpans);
    assert.deepEqual((await rollupProgress(db)).dropped, dropped);
    await migrateTo(db, before);
    const { rows } = await sql`
      select dropped_until = ${until}::timestamptz as same from reading_progress`.execute(db);
    assert.deepEqual(rows, [{ same: true }]);
  }
});
