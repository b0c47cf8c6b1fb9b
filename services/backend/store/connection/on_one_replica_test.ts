import assert from "node:assert/strict";
import { sql } from "kysely";
import { eachDatabase, eachServer } from "../../../../tests/support/each_database.ts";
import { onOneReplica } from "./on_one_replica.ts";

eachServer("onOneReplica", {
  async "leaves a job to the replica that is at it, and other jobs to others"(db) {
    const done = await onOneReplica(db, "release_parked", async () => {
      assert.equal(
        await onOneReplica(db, "release_parked", () => Promise.resolve("twice")),
        undefined,
      );
      return await onOneReplica(db, "expire_parked", () => Promise.resolve("beside"));
    });
    assert.equal(done, "beside");
  },
});

eachDatabase("onOneReplica", {
  async "lets go of a job that has ended, well or not"(db) {
    const failing = onOneReplica(
      db,
      "release_parked",
      (session) => sql`select 1 / 0`.execute(session),
    );
    await assert.rejects(failing, { code: "22012" });
    for (let round = 0; round < 2; round++) {
      assert.equal(await onOneReplica(db, "release_parked", () => Promise.resolve(round)), round);
    }
  },
});
