import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { sql } from "kysely";
import { eachDatabase } from "../../../../tests/support/each_database.ts";
import { float8Array, int8Array, textArray, timestamptzArray } from "./binary_array.ts";

const runs = { numRuns: 50 };

eachDatabase("Binary arrays", {
  async "carry texts of any script and length"(db) {
    // PostgreSQL's texts have neither.
    const text = fc.string({ unit: "binary", maxLength: 300 })
      .map((text) => text.replaceAll("\0", "").toWellFormed());
    await fc.assert(
      fc.asyncProperty(fc.array(text), async (values) => {
        const { rows } = await sql<{ value: string }>`
          select value from unnest(${textArray(values)}::text[]) value`.execute(db);
        assert.deepEqual(rows.map(({ value }) => value), values);
      }),
      runs,
    );
  },

  async "carry doubles to the bit"(db) {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.double()), async (values) => {
        const { rows } = await sql<{ bits: string }>`
          select encode(float8send(value), 'hex') as bits
          from unnest(${float8Array(values)}::float8[]) value`.execute(db);
        assert.deepEqual(
          rows.map(({ bits }) => Buffer.from(bits, "hex").readDoubleBE()),
          values,
        );
      }),
      runs,
    );
  },

  async "carry what is not set as null"(db) {
    const values = [undefined, 1.5, undefined, undefined, -0, undefined];
    const { rows } = await sql<{ value: number | null }>`
      select value from unnest(${float8Array(values)}::float8[]) value`.execute(db);
    assert.deepEqual(rows.map(({ value }) => value ?? undefined), values);
  },

  async "carry 64-bit integers"(db) {
    const values = [-(2n ** 63n), -1n, 0n, 1n, 2n ** 53n + 1n, 2n ** 63n - 1n];
    const { rows } = await sql<{ value: string }>`
      select value::text from unnest(${int8Array(values)}::int8[]) value`.execute(db);
    assert.deepEqual(rows.map(({ value }) => BigInt(value)), values);
  },

  async "carry instants to the microsecond, before 2000 too"(db) {
    const micros = fc.integer({ min: Date.UTC(1900, 0) * 1_000, max: Date.UTC(2200, 0) * 1_000 });
    await fc.assert(
      fc.asyncProperty(fc.array(micros), async (values) => {
        const { rows } = await sql<{ value: string }>`
          select (extract(epoch from value) * 1000000)::bigint::text as value
          from unnest(${timestamptzArray(values)}::timestamptz[]) value`.execute(db);
        assert.deepEqual(rows.map(({ value }) => Number(value)), values);
      }),
      runs,
    );
  },
});
