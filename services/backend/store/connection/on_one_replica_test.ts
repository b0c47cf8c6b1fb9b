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

  async "leaves a job to a replica of the release before, whose lock is its session's"(db) {
    const once = () => onOneReplica(db, "sweep", () => Promise.resolve("done"));
    await db.connection().execute(async (before) => {
      await sql`select pg_advisory_lock(hashtextextended('iot-backend sweep', 0))`.execute(before);
      assert.equal(await once(), undefined);
      await sql`select pg_advisory_unlock_all()`.execute(before);
    });
    assert.equal(await once(), "done");
  },
});

eachDatabase("onOneReplica", {
  async "keeps what a job did if it ended well, and lets go of it either way"(db) {
    const [failed, first, second] = [1, 2, 3].map((n) => `00000000-0000-4000-8000-00000000000${n}`);
    const write = (id: string, work: () => Promise<string>) =>
      onOneReplica(db, "release_parked", async (transaction) => {
        await transaction.insertInto("lagging_writers")
          .values({ writer_id: id, renewed_at: new Date(0) }).execute();
        return await work();
      });
    const failure = new Error("failed");
    await assert.rejects(write(failed!, () => Promise.reject(failure)), failure);
    for (const id of [first!, second!]) {
      assert.equal(await write(id, () => Promise.resolve("done")), "done");
    }
    const kept = await db.selectFrom("lagging_writers").select("writer_id").orderBy("writer_id")
      .execute();
    assert.deepEqual(kept.map((row) => row.writer_id), [first, second]);
  },
});
