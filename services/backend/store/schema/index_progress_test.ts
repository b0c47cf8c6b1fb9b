import assert from "node:assert/strict";
import { sql } from "kysely";
import { postgresTest } from "../../../../tests/support/each_database.ts";
import { inTime, waitUntil } from "../../../../tests/support/wait_until.ts";
import { readIndexProgress } from "./index_progress.ts";

postgresTest("readIndexProgress", {
  async "tells of a build that began after the transaction that asks, and of its end"(db) {
    await db.transaction().execute(async (asking) => {
      assert.deepEqual(await readIndexProgress(asking), []);
      const built = await db.transaction().setIsolationLevel("repeatable read")
        .execute(async (reader) => {
          // The build waits for whoever has a snapshot of before it.
          await sql`select from iot_devices limit 1`.execute(reader);
          const built = sql`create index concurrently idx_firmware on iot_devices (firmware)`
            .execute(db);
          await waitUntil(async () => {
            const [build] = await readIndexProgress(asking);
            return build?.index === "idx_firmware" && /^waiting for old/.test(build.phase);
          }, { what: "the build to wait" });
          return { built };
        });
      await inTime(built.built, "the build");
      assert.deepEqual(await readIndexProgress(asking), []);
    });
  },
});
