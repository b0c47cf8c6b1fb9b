import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { eachDatabase } from "../../../../tests/support/each_database.ts";
import type { Database } from "../database.ts";
import { abandonedMarks, removeAbandoned, WriterMark } from "./writer_mark.ts";

const minute = 60_000;

async function marks(db: Kysely<Database>): Promise<readonly string[]> {
  const rows = await db.selectFrom("lagging_writers").select("writer_id").execute();
  return rows.map(({ writer_id }) => writer_id);
}

eachDatabase("WriterMark", {
  async "is there from when it is made until it is removed"(db) {
    const mark = new WriterMark(db);
    assert.deepEqual([mark.holds, mark.due, mark.ids], [false, false, []]);
    await Promise.all([mark.make(), mark.make()]);
    assert.deepEqual([mark.holds, mark.due], [true, false]);
    assert.deepEqual(await marks(db), mark.ids);
    assert.equal(mark.ids.length, 1);
    await mark.remove();
    assert.deepEqual([mark.holds, mark.ids, await marks(db)], [false, [], []]);
  },

  async "does not hold once it was not renewed for long, or the clock was set back"(db) {
    let nowMs = 10 * minute;
    const mark = new WriterMark(db, () => nowMs);
    await mark.make();
    nowMs += minute / 2;
    assert.deepEqual([mark.holds, mark.due], [true, true]);
    await mark.renew();
    assert.equal(mark.due, false);
    nowMs += minute + 1;
    assert.equal(mark.holds, false);
    await mark.make();
    assert.equal(mark.holds, true);
    nowMs -= 1;
    assert.equal(mark.holds, false);
    await mark.make();
    // The earlier ones are taken away as well.
    assert.equal(mark.ids.length, 3);
    await mark.tidy();
    assert.deepEqual(await marks(db), mark.ids);
    await mark.remove();
    assert.deepEqual(await marks(db), []);
  },

  async "is another one for a write that begins while it is removed"(db) {
    const mark = new WriterMark(db);
    await mark.make();
    const [first] = mark.ids;
    const removed = mark.remove();
    assert.deepEqual([mark.holds, mark.ids], [false, [first]]);
    await mark.make();
    await removed;
    assert.equal(mark.holds, true);
    assert.deepEqual(await marks(db), mark.ids);
    assert.notEqual(mark.ids[0], first);
  },

  async "is abandoned when nobody renews it"(db) {
    const mark = new WriterMark(db);
    await mark.make();
    assert.deepEqual(await abandonedMarks(db), []);
    await sql`update lagging_writers set renewed_at = now() - interval '10 minutes'`.execute(db);
    assert.deepEqual(await abandonedMarks(db), mark.ids);
    await mark.renew();
    assert.deepEqual(await abandonedMarks(db), []);
    // It was slow only.
    await removeAbandoned(db, mark.ids);
    assert.deepEqual(await marks(db), mark.ids);
    await mark.abandon();
    const gone = await abandonedMarks(db);
    assert.equal(gone.length, 1);
    await removeAbandoned(db, gone);
    assert.deepEqual(await marks(db), []);
  },

  async "is made under one name until it is there"(db) {
    let down = true;
    const failing = new Proxy(db, {
      get(target, name) {
        if (name === "insertInto" && down) throw new Error("no database");
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const mark = new WriterMark(failing);
    for (let tries = 0; tries < 3; tries++) await assert.rejects(mark.make());
    assert.deepEqual([mark.holds, mark.ids.length], [false, 1]);
    down = false;
    await mark.make();
    assert.deepEqual([mark.holds, await marks(db)], [true, mark.ids]);
  },
});
