import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import {
  archivedDay as day,
  type ArchivedReading,
  archivedReadings,
  readingsOf,
  rowGroups,
} from "../../../tests/support/archived_readings.ts";
import { TempFolder } from "../../../tests/support/temp_folder.ts";
import { readDayFile } from "./read_day_file.ts";
import { writeDayFile } from "./write_day_file.ts";

const measured = ["temperature", "humidity", "co2"]
  .map((column) => ({ column, optional: column === "co2" }));

/** Some without the optional measure, the last ones all; what is hard to keep among them. */
const readings = archivedReadings(250).map((reading, at): ArchivedReading => {
  const nanos = at % 1_000;
  return {
    ...reading,
    nanos,
    tieBreak: BigInt(nanos) << 53n | BigInt(at),
    deviceId: at % 2 === 0 ? "\ufeffhall é 😀" : "device-1",
    values: [
      at % 5 === 0 ? -0 : at / 3,
      Number.MIN_VALUE * at,
      at % 3 === 0 || at >= 200 ? NaN : at,
    ],
  };
});

async function query(statement: string): Promise<unknown[][]> {
  const database = await DuckDBInstance.create(":memory:");
  const connection = await database.connect();
  try {
    return (await connection.runAndReadAll(statement)).getRows();
  } finally {
    connection.closeSync();
    database.closeSync();
  }
}

Deno.test("DuckDB reads a day's file as it was written", async () => {
  await using folder = await TempFolder.make();
  const options = { groupReadings: 100, measured };
  const { path } = (await writeDayFile(folder.path, day, rowGroups(readings), options))!;
  const rows = await query(`
    select tenant_id, hex(device_id), epoch_us("timestamp"), tie_break, temperature, humidity, co2
    from '${path}'`);
  const wanted = readings.map(({ tenantId, deviceId, micros, tieBreak, values }) => [
    tenantId,
    // Its client takes a leading U+FEFF off a text.
    Buffer.from(deviceId).toString("hex").toUpperCase(),
    BigInt(micros),
    tieBreak,
    ...values.map((value) => Number.isNaN(value) ? null : value),
  ]);
  assert.deepStrictEqual(rows, wanted);
  // The instants to the nanosecond: DuckDB's own type of them ends at the microsecond.
  const [[first, last] = []] = await query(`
    select min(stats_min_value::varchar), max(stats_max_value::varchar)
    from parquet_metadata('${path}') where path_in_schema = 'timestamp'`);
  assert.deepEqual([first, last], ["2026-11-18 00:00:00+00", "2026-11-18 00:04:09+00"]);
  const [[unit] = []] = await query(`
    select logical_type from parquet_schema('${path}') where name = 'timestamp'`);
  assert.match(String(unit), /isAdjustedToUTC=1.*NANOS=NanoSeconds/);
});

Deno.test("DuckDB finds readings by what a file says of its row groups", async () => {
  await using folder = await TempFolder.make();
  const options = { groupReadings: 50, measured };
  const { path } = (await writeDayFile(folder.path, day, rowGroups(readings), options))!;
  const { micros } = readings[120]!;
  const [[found] = []] = await query(`
    select tie_break from '${path}'
    where "timestamp" = make_timestamptz(${micros}) and co2 is null and temperature = -0.0`);
  assert.equal(found, readings[120]!.tieBreak);
});

Deno.test("readDayFile reads what DuckDB copied, to the nanosecond", async () => {
  await using folder = await TempFolder.make();
  const { path } = (await writeDayFile(folder.path, day, rowGroups(readings), { measured }))!;
  for (const compression of ["snappy", "zstd", "gzip", "uncompressed"]) {
    const copy = join(folder.path, `${compression}.parquet`);
    await query(`
      copy (select * from '${path}' where tenant_id = 1)
      to '${copy}' (format parquet, compression ${compression})`);
    assert.deepStrictEqual(
      await readingsOf(readDayFile(copy, measured)),
      readings.filter(({ tenantId }) => tenantId === 1),
    );
  }
});
