import assert from "node:assert/strict";
import { eachDatabase } from "../../../../tests/support/each_database.ts";
import { databaseClock } from "./database_clock.ts";
import { earlierClock } from "./earlier_clock.ts";

const dayMs = 86_400_000;

eachDatabase("earlierClock", {
  async "is the machine's where that is behind, and the database's where it is ahead"(db) {
    const before = await databaseClock(db);
    assert.equal(await earlierClock(db, () => before - dayMs), before - dayMs);
    const ahead = await earlierClock(db, () => before + dayMs);
    assert(ahead >= before && ahead <= await databaseClock(db), `${ahead}`);
  },
});
