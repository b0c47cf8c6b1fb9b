import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import {
  archivedDay as day,
  archivedDayMicros,
  type ArchivedReading,
  archivedReading,
  archivedReadings,
  readingsOf,
  rowGroups,
} from "../../../tests/support/archived_readings.ts";
import { mayMount, SmallDisk } from "../../../tests/support/small_disk.ts";
import { TempFolder } from "../../../tests/support/temp_folder.ts";
import { readDayFile } from "./read_day_file.ts";
import { writeDayFile } from "./write_day_file.ts";

const first = `readings-${day}.parquet`;
const second = `readings-${day}.2.parquet`;
const draft = `readings-${day}.parquet.tmp`;

/** Two measures that each reading has, and two that it may come without. */
const measured = [
  { column: "temperature", optional: false },
  { column: "humidity", optional: true },
  { column: "pressure", optional: false },
  { column: "co2", optional: true },
];

const double = fc.double({ noNaN: true });
const unsetOrDouble = fc.oneof(double, fc.constant(NaN));
const reading: fc.Arbitrary<ArchivedReading> = fc.record({
  tenantId: fc.integer(),
  deviceId: fc.string({ unit: "binary", minLength: 1, maxLength: 20 }),
  micros: fc.integer({ min: 0, max: 86_399_999_999 }).map((micros) => archivedDayMicros + micros),
  nanos: fc.integer({ min: 0, max: 999 }),
  tieBreak: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  values: fc.tuple(double, unsetOrDouble, double, unsetOrDouble),
}, { noNullPrototype: true });

Deno.test("writeDayFile writes what readDayFile reads, to the bit, over any groups", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(reading, { maxLength: 40 }), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 50 }),
      async (groups, groupReadings) => {
        await using folder = await TempFolder.make();
        const options = { groupReadings, measured };
        const given = rowGroups(...groups.filter(({ length }) => length > 0));
        const file = await writeDayFile(folder.path, day, given, options);
        const readings = groups.flat();
        assert.equal(file?.readings ?? 0, readings.length);
        if (file === undefined) return assert.deepEqual(await folder.names(), []);
        assert.deepEqual(await folder.names(), [first]);
        assert.equal(file.bytes, (await Deno.stat(file.path)).size);
        // Tells 0 from -0, and takes NaN for itself.
        assert.deepStrictEqual(await readingsOf(readDayFile(file.path, measured)), readings);
      },
    ),
    { numRuns: 100 },
  );
});

Deno.test("writeDayFile keeps 0 and -0 apart", async () => {
  await using folder = await TempFolder.make();
  const zeros = [0, -0, 0].map((zero, at): ArchivedReading => ({
    ...archivedReading(at),
    values: [zero, zero, zero, zero],
  }));
  const file = await writeDayFile(folder.path, day, rowGroups(zeros), { measured });
  assert.deepStrictEqual(await readingsOf(readDayFile(file!.path, measured)), zeros);
});

Deno.test("writeDayFile writes no file of a day without readings", async () => {
  await using folder = await TempFolder.make();
  assert.equal(await writeDayFile(folder.path, day, rowGroups()), undefined);
  assert.deepEqual(await folder.names(), []);
});

Deno.test("writeDayFile leaves a file that holds the same readings, in whatever order", async () => {
  await using folder = await TempFolder.make();
  const readings = archivedReadings(50);
  const older = await writeDayFile(folder.path, day, rowGroups(readings));
  const bytes = await Deno.readFile(older!.path);
  const again = await writeDayFile(folder.path, day, rowGroups(readings.toReversed()));
  assert.deepEqual(again, { ...older, isNew: false });
  assert.deepEqual(await Deno.readFile(older!.path), bytes);
  assert.deepEqual(await folder.names(), [first]);
});

Deno.test("writeDayFile writes beside files that hold other readings, or cannot be read", async () => {
  await using folder = await TempFolder.make();
  await Deno.writeTextFile(join(folder.path, first), "damaged");
  await writeDayFile(folder.path, day, rowGroups(archivedReadings(5)));
  const third = await writeDayFile(folder.path, day, rowGroups(archivedReadings(6)));
  assert.deepEqual(await folder.names(), [second, `readings-${day}.3.parquet`, first]);
  assert.equal(await Deno.readTextFile(join(folder.path, first)), "damaged");
  assert.equal((await readingsOf(readDayFile(join(folder.path, second)))).length, 5);
  assert.equal((await readingsOf(readDayFile(third!.path))).length, 6);
  const again = await writeDayFile(folder.path, day, rowGroups(archivedReadings(5)));
  assert.deepEqual([again?.path, again?.isNew], [join(folder.path, second), false]);
});

Deno.test("writeDayFile leaves nothing behind, and throws what the readings throw", async () => {
  await using folder = await TempFolder.make();
  const lost = new Error("the database is gone");
  async function* failing() {
    yield* rowGroups(archivedReadings(10));
    assert.deepEqual(await folder.names(), [draft]);
    throw lost;
  }
  await assert.rejects(
    writeDayFile(folder.path, day, failing(), { groupReadings: 5 }),
    (error) => error === lost,
  );
  assert.deepEqual(await folder.names(), []);
});

Deno.test("writeDayFile stops when it is told to, and leaves nothing behind", async () => {
  await using folder = await TempFolder.make();
  const stopping = new AbortController();
  async function* stopped() {
    yield* rowGroups(archivedReadings(5));
    stopping.abort();
    yield* rowGroups(archivedReadings(5));
    assert.fail("it asks for more");
  }
  await assert.rejects(
    writeDayFile(folder.path, day, stopped(), { groupReadings: 5, signal: stopping.signal }),
    { name: "AbortError" },
  );
  const late = new AbortController();
  async function* complete() {
    yield* rowGroups(archivedReadings(5));
    late.abort("enough");
  }
  // Nothing is to be written then, only to be read back.
  await assert.rejects(
    writeDayFile(folder.path, day, complete(), { groupReadings: 5, signal: late.signal }),
    (reason) => reason === "enough",
  );
  assert.deepEqual(await folder.names(), []);
});

Deno.test("writeDayFile writes over what a killed one left", async () => {
  await using folder = await TempFolder.make();
  await Deno.writeFile(join(folder.path, draft), new Uint8Array(100_000));
  const file = await writeDayFile(folder.path, day, rowGroups(archivedReadings(5)));
  assert.deepEqual(await folder.names(), [first]);
  assert.deepEqual(await readingsOf(readDayFile(file!.path)), archivedReadings(5));
});

Deno.test("writeDayFile refuses a day that another one writes, and harms nothing of it", async () => {
  await using folder = await TempFolder.make();
  async function* contended() {
    yield* rowGroups(archivedReadings(5));
    await assert.rejects(
      writeDayFile(folder.path, day, rowGroups(archivedReadings(9))),
      new RegExp(`^FileInUseError: Cannot archive ${day} in .*: another process writes there$`),
    );
    yield* rowGroups(archivedReadings(5));
  }
  const file = await writeDayFile(folder.path, day, contended(), { groupReadings: 5 });
  assert.equal((await readingsOf(readDayFile(file!.path))).length, 10);
  assert.deepEqual(await folder.names(), [first]);
});

Deno.test("writeDayFile gives no name to a file that reads back differently", async () => {
  await using folder = await TempFolder.make();
  // Half of a pair, which no Unicode text can hold.
  const unwritable = { ...archivedReading(1), deviceId: "\ud800" };
  await assert.rejects(
    writeDayFile(folder.path, day, rowGroups([archivedReading(0), unwritable])),
    /what is read back is not what was written/,
  );
  assert.deepEqual(await folder.names(), []);
});

Deno.test("writeDayFile refuses readings of other days, and without a measure that all have", async () => {
  await using folder = await TempFolder.make();
  for (const micros of [archivedDayMicros - 1, archivedDayMicros + 86_400_000_000]) {
    await assert.rejects(
      writeDayFile(folder.path, day, rowGroups([{ ...archivedReading(0), micros }])),
      /another day/,
    );
  }
  await assert.rejects(
    writeDayFile(folder.path, day, rowGroups([{ ...archivedReading(0), values: [1, NaN, 3, 4] }])),
    /without humidity/,
  );
  assert.deepEqual(await folder.names(), []);
});

Deno.test({
  name: "writeDayFile says that the disk is full, and where, and makes room again",
  ignore: !await mayMount(),
  async fn() {
    await using folder = await TempFolder.make();
    await using disk = await SmallDisk.mount(folder.path, 64 * 1_024);
    const noise = Array.from({ length: 20_000 }, (_, index) => ({
      ...archivedReading(index),
      values: [Math.random(), Math.random(), Math.random(), Math.random()],
    }));
    await assert.rejects(
      writeDayFile(disk.path, day, rowGroups(noise), { groupReadings: 1_000 }),
      ({ message, cause }: Error) =>
        message.startsWith(`Cannot archive ${day} in ${disk.path}: No space left on device`) &&
        (cause as { code?: string }).code === "ENOSPC",
    );
    assert.deepEqual(await disk.names(), []);
    const file = await writeDayFile(disk.path, day, rowGroups(archivedReadings(5)));
    assert.equal(file?.readings, 5);
  },
});

Deno.test("writeDayFile names a directory that it cannot write to", async () => {
  await using folder = await TempFolder.make();
  const occupied = join(folder.path, "occupied");
  await Deno.writeTextFile(occupied, "a file");
  await assert.rejects(
    writeDayFile(occupied, day, rowGroups(archivedReadings(1))),
    ({ message }: Error) => message.startsWith(`Cannot archive ${day} in ${occupied}: `),
  );
});
