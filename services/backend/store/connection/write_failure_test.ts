import assert from "node:assert/strict";
import { sql } from "kysely";
import { eachDatabase } from "../../../../tests/support/each_database.ts";
import { sqlState, type WriteFailure, writeFailure } from "./write_failure.ts";

const failed = (code: unknown) => Object.assign(new Error("failed"), { code });

const expected: readonly [unknown, WriteFailure, string][] = [
  ["22P05", "reject", "a character that the encoding of the database lacks"],
  ["22003", "reject", "a number that its column cannot hold"],
  ["23514", "retry", "a check that has no name: a missing partition"],
  ["23502", "reject", "a null"],
  ["23503", "retry", "a device that went in the meantime"],
  ["23505", "reject", "a value that an index of somebody's has once"],
  ["54000", "reject", "a row too large for its index"],
  ["40P01", "retry", "a deadlock"],
  ["40001", "retry", "a serialization failure"],
  ["57P01", "retry", "a shutdown"],
  ["57014", "retry", "a cancelled statement"],
  ["53100", "retry", "a full disk"],
  ["53300", "retry", "too many connections"],
  ["25006", "retry", "a standby that takes no writes"],
  ["08006", "retry", "a broken connection"],
  ["55P03", "retry", "a lock"],
  ["42P01", "repair", "a missing table"],
  ["42501", "repair", "a missing privilege"],
  ["28P01", "repair", "a wrong password"],
  ["3D000", "repair", "a missing database"],
  ["XX000", "retry", "an internal error"],
  ["ZZ999", "retry", "what nobody has heard of"],
  ["ECONNREFUSED", "retry", "no server"],
  ["EPIPE", "retry", "five capital letters, and yet no SQLSTATE"],
  [undefined, "retry", "an error without a code"],
  [23514, "retry", "a code that is no text"],
];

Deno.test("writeFailure rejects only what blames the row", () => {
  for (const [code, failure, what] of expected) {
    assert.equal(writeFailure(failed(code)), failure, `${code}: ${what}`);
  }
  for (const thrown of [undefined, null, "23514", { code: null }]) {
    assert.equal(writeFailure(thrown), "retry");
  }
});

Deno.test("writeFailure tries again where two have registered a device at once", () => {
  const twice = { ...failed("23505"), constraint: "iot_devices_device_id" };
  assert.equal(writeFailure(twice), "retry");
  // As Citus tells it.
  const shard = 'duplicate key value violates unique constraint "iot_devices_pkey_102010"';
  assert.equal(writeFailure(Object.assign(new Error(shard), { code: "23505" })), "retry");
  assert.equal(writeFailure({ ...twice, constraint: "idx_mac_address" }), "reject");
});

Deno.test("sqlState takes no errno for an SQLSTATE", () => {
  assert.equal(sqlState(failed("23514")), "23514");
  for (const code of ["EPIPE", "ENOENT", "ECONNRESET", "", undefined]) {
    assert.equal(sqlState(failed(code)), undefined);
  }
});

eachDatabase("writeFailure", {
  async "tells a partition that is missing from a value that a check refuses"(db) {
    await sql`create table by_day (day int not null, percent int check (percent <= 100))
      partition by range (day)`.execute(db);
    try {
      await sql`create table by_day_1 partition of by_day for values from (1) to (2)`.execute(db);
      const failed = (day: number, percent: number) =>
        sql`insert into by_day values (${day}::int, ${percent}::int)`.execute(db).then(
          () => undefined,
          (error: unknown) => ({ state: sqlState(error), failure: writeFailure(error) }),
        );
      assert.equal(await failed(1, 100), undefined);
      assert.deepEqual(await failed(1, 101), { state: "23514", failure: "reject" });
      assert.deepEqual(await failed(2, 100), { state: "23514", failure: "retry" });
    } finally {
      await sql`drop table by_day`.execute(db);
    }
  },
});
