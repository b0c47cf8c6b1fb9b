import assert from "node:assert/strict";
import { sql } from "kysely";
import { eachDatabase } from "../../../../tests/support/each_database.ts";
import { instant } from "./instant.ts";

eachDatabase("instant", {
  async "is the microsecond that it is given"(db) {
    for (let day = 0; day < 20_000; day += 97) {
      const micros = Date.UTC(2000, 0, 1 + day) * 1_000 + day * 863_999_999 % 86_400_000_000;
      const { rows: [found] } = await sql<{ readonly micros: string }>`
        select (extract(epoch from ${instant(micros)}) * 1000000)::bigint::text as micros`
        .execute(db);
      assert.equal(found!.micros, String(micros));
    }
  },

  async "of -Infinity is before all"(db) {
    const { rows: [found] } = await sql<{ readonly least: boolean }>`
      select ${instant(-Infinity)} = timestamptz '-infinity' as least`.execute(db);
    assert(found!.least);
  },
});
