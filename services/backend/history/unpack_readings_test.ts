import fc from "fast-check";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { measureNumbers } from "./measure_numbers.ts";
import { packReadings } from "./pack_readings.ts";
import { PackedReadingsError } from "./packing/bytes/packed_readings_error.ts";
import type { ReadingColumns } from "./reading_columns.ts";
import { unpackInstants } from "./unpack_instants.ts";
import { unpackReadings } from "./unpack_readings.ts";

/** From -1,000 to 1,000. */
function scattered(seed: number): number {
  const hash = Math.imul(seed + 1, 0x9e3779b1);
  return (Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 8) % 2_001 - 1_000;
}

/** All that the format knows: every predictor and form, escapes, exceptions, what is not set. */
function everyForm(): ReadingColumns {
  const count = 40;
  const column = (valueAt: (at: number) => number) =>
    Float64Array.from({ length: count }, (_, at) => valueAt(at));
  return {
    count,
    micros: column((at) => 1.8e15 + at * 5e6 + scattered(at)),
    nanos: Uint16Array.from({ length: count }, (_, at) => at % 7),
    values: [
      column((at) => at === 5 ? -0 : at === 30 ? 140 : (at * at * at + scattered(at) % 2) / 100),
      column((at) => at % 5 === 0 ? NaN : Math.fround((500 + scattered(at) % 30) / 10)),
      column((at) => Math.fround((at - 20) / 3)),
      column((at) => (at - 20) / 7),
    ],
    oddTieBreaks: new Map([[0, -1n], [39, 2n ** 63n - 1n]]),
  };
}

/** `everyForm` as the first release that knew the format packed it. */
const packedOnce = `
ASgDlvLDieXFsgYBCvqs4gQAASECBAOIAQFHAQUAAAAAAAAAgARFAAFg5AcBBAAFAqvVqo0IAUAGA9vttoAIAUACAP//////
////Jv////////9/UIjzp51fzZjMc7lYz6BDfV5HxQydHPrITipzAGSz6YBhEYD1O6EHrBC0KO/m0kgsDCATYF69nsy5qbe8
/orvB8X9XsdxVVlCkWB7UT/+smy/V9AgD8A6MwumlqBDro6+FKKkhohc6OkpxQSa7TEqYgjLMJy8kMyUgdw5TDjttulmABAI
BAKBwJCgkrCXFKz2+yUal0vI1IrdfoMF5LIJqU8NGUJkfjbIAAZGZLMhraLowGmCCBQmgziO4antu6KqqhVVVbVYVdWLqqp6
WVVVP6yqKv5XVVXFv6qqqtdUVdVaVVWrqaoqkSQpmSQ5MUlyUpLkhCRJitu2PyVJsv93JEn2p7ZtezqS5JQkyWlJklJJkrdt
27Zu27ZtJUmSJNu2bduSJEmSSZIkSQAAAABu27Zt27Zt20mSJEm3bdu2JUmSJJIkSZIAAAAA27Zt27dt27aSJEmS27Zt25Ik
SZKSJEmSAAAAAJIkSZKSJEmS27Zt25IkSZK3bdu227Zt2wAAAACSJEmSJUmSJLdt27ZJkiRJ27Zt227btm0AAAAASZIkSZIk
SZLbtm3bJUmSJG7btm3AhgoH`;

Deno.test("unpackReadings reads what an earlier release packed", () => {
  assert.deepEqual(unpackReadings(Buffer.from(packedOnce, "base64")), everyForm());
});

/** A device's day in small, as a sensor of a hundredth of a degree gives it. */
function smallDay(count: number): ReadingColumns {
  const wave = (base: number, height: number, power: number) =>
    Float64Array.from(
      { length: count },
      (_, at) => Math.round((base + height * Math.sin(at / 50)) * power) / power,
    );
  return {
    count,
    micros: Float64Array.from({ length: count }, (_, at) => 1.8e15 + at * 5e6),
    nanos: undefined,
    values: [wave(20, 5, 100), wave(50, 9, 10), wave(1_010, 3, 100), wave(90, 0, 10)],
    oddTieBreaks: new Map([[3, -1n]]),
  };
}

Deno.test("unpackReadings refuses readings that lack their end, or more", () => {
  const packed = packReadings(smallDay(300), 0, 300);
  for (let length = 0; length < packed.length; length++) {
    assert.throws(() => unpackReadings(packed.subarray(0, length)), PackedReadingsError);
    assert.throws(() => unpackInstants(packed.subarray(0, length)), PackedReadingsError);
  }
});

Deno.test("unpackReadings refuses readings in which any one bit turned", () => {
  const packed = packReadings(smallDay(100), 0, 100);
  for (let bit = 0; bit < packed.length * 8; bit++) {
    const damaged = packed.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => unpackReadings(damaged), PackedReadingsError);
  }
});

Deno.test("unpackReadings names a format that it does not know", () => {
  const packed = packReadings(smallDay(10), 0, 10);
  packed[0] = 2;
  assert.throws(() => unpackReadings(packed), {
    message: "Cannot unpack readings: their format is 2, and this release knows 1",
  });
});

Deno.test("unpackReadings refuses a measure that it does not know", () => {
  const columns = smallDay(10);
  const more = { ...columns, values: [...columns.values, columns.values[0]!] };
  const packed = packReadings(more, 0, 10, [...measureNumbers, 8]);
  assert.throws(() => unpackReadings(packed), /a measure that is not known, of field 8/);
});

/** With a checksum that is right for what is wrong before it. */
function sealed(content: Uint8Array): Uint8Array {
  const packed = new Uint8Array(content.length + 4);
  packed.set(content);
  new DataView(packed.buffer).setUint32(content.length, crc32(content), true);
  return packed;
}

/** One reading of 1970 whose temperature is 0 and all that there is, but for what is changed. */
function simplest(
  { count = [1], form = [0], column = [0, 0], decisions = [1, 1], plain = [] as number[] } = {},
): Uint8Array {
  const [format, flags, instants, measured, temperature] = [1, 0, [0, 0], 1, 3];
  const head = [format, ...count, flags, ...instants, measured, temperature, ...form];
  return sealed(Uint8Array.from([...head, ...column, ...decisions, ...plain]));
}

Deno.test("unpackReadings refuses what contradicts itself, though its checksum is right", () => {
  assert.deepEqual(unpackReadings(simplest()).values[0], Float64Array.of(0));
  const contradictions: Readonly<Record<string, Uint8Array>> = {
    "there are none": simplest({ count: [0] }),
    "a number is above 16777216": simplest({ count: [0x81, 0x80, 0x80, 0x08] }),
    "there are 10 decimals": simplest({ form: [10 << 2] }),
    "a measure has no value": simplest({ form: [64, 0, 0] }),
    "their decisions are not as many as they say": simplest({ decisions: [2, 1, 0] }),
    "their plain bits are not as many as they say": simplest({ plain: [0] }),
    "they end too soon": simplest({ decisions: [2, 1] }),
    "a number is above 9007199254740992": simplest({ column: Array(10).fill(0xff) }),
  };
  for (const [state, packed] of Object.entries(contradictions)) {
    assert.throws(() => unpackReadings(packed), { message: `Cannot unpack readings: ${state}` });
  }
});

Deno.test("unpackReadings ends in an error or in columns of one length, whatever it is given", () => {
  const packed = packReadings(smallDay(40), 0, 40);
  const at = fc.nat(packed.length - 5);
  const byte = fc.integer({ min: 0, max: 255 });
  // Beyond the format and the count: the latter may rightly say that there are millions.
  const changes = fc.array(fc.tuple(at.filter((at) => at > 1), byte), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(changes, at, (changes, cut) => {
      const content = packed.slice(0, cut % 3 === 0 ? cut : -4);
      for (const [at, byte] of changes) content[at] = byte;
      let unpacked: ReadingColumns;
      try {
        unpacked = unpackReadings(sealed(content));
      } catch (error) {
        if (error instanceof PackedReadingsError) return;
        throw error;
      }
      assert.equal(unpacked.micros.length, unpacked.count);
      for (const column of unpacked.values) assert.equal(column.length, unpacked.count);
    }),
    { numRuns: 2_000 },
  );
});
