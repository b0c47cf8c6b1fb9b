import assert from "node:assert/strict";
import fc from "fast-check";
import {
  archivedReadings,
  readingsOf,
  rowGroups,
} from "../../../tests/support/archived_readings.ts";
import { resizedGroups } from "./resized_groups.ts";

Deno.test("resizedGroups gives the same readings in groups of one size", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 8 }),
    fc.integer({ min: 1, max: 40 }),
    async (lengths, size) => {
      const readings = archivedReadings(lengths.reduce((sum, length) => sum + length, 0));
      let from = 0;
      const given = lengths.map((length) => readings.slice(from, from += length));
      assert.deepEqual(await readingsOf(resizedGroups(rowGroups(...given), size)), readings);
      const sizes = await Array.fromAsync(
        resizedGroups(rowGroups(...given), size),
        ({ deviceIds }) => deviceIds.length,
      );
      assert(sizes.slice(0, -1).every((each) => each === size), String(sizes));
      assert.equal(sizes.length, Math.ceil(readings.length / size));
    },
  ));
});
