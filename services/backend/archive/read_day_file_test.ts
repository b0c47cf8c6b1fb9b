import assert from "node:assert/strict";
import { join } from "node:path";
import type { SchemaElement } from "hyparquet";
import {
  ByteWriter,
  type ColumnSource,
  parquetWrite,
  type ParquetWriteOptions,
  schemaFromColumnData,
} from "hyparquet-writer";
import {
  archivedDay as day,
  archivedDayMicros,
  type ArchivedReading,
  archivedReadings,
  readingsOf,
  rowGroups,
} from "../../../tests/support/archived_readings.ts";
import { TempFolder } from "../../../tests/support/temp_folder.ts";
import { readDayFile } from "./read_day_file.ts";
import { UnreadableFileError, type UnreadableReason } from "./unreadable_file_error.ts";
import { writeDayFile } from "./write_day_file.ts";

const names = ["temperature", "humidity", "pressure", "battery_level"];
const measured = names.map((column) => ({ column, optional: column === "battery_level" }));

/** Some without the optional measure. */
const readings = archivedReadings(12).map((reading, at): ArchivedReading => ({
  ...reading,
  values: [...reading.values.slice(0, 3), at % 3 === 0 ? NaN : at],
}));

/** A day's file with `readings`, in three row groups. */
async function written(folder: TempFolder): Promise<{ path: string; bytes: Uint8Array }> {
  const file = await writeDayFile(folder.path, day, rowGroups(readings), {
    groupReadings: 4,
    measured,
  });
  return { path: file!.path, bytes: await Deno.readFile(file!.path) };
}

async function assertUnreadable(
  path: string,
  reason: UnreadableReason,
  message: RegExp,
): Promise<void> {
  await assert.rejects(readingsOf(readDayFile(path, measured)), (error) => {
    assert(error instanceof UnreadableFileError);
    assert.equal(error.reason, reason);
    assert.match(error.message, message);
    return true;
  });
}

/** Three instants of a nanosecond after each other. */
const instants: ColumnSource = {
  name: "timestamp",
  data: [123n, 124n, 125n].map((nanos) => BigInt(archivedDayMicros) * 1_000n + nanos),
};

/** A file of columns, as another program would write it: each may be empty. */
async function foreignFile(
  folder: TempFolder,
  columns: readonly ColumnSource[],
  options: Partial<ParquetWriteOptions> = {},
): Promise<string> {
  const path = join(folder.path, "foreign.parquet");
  const writer = new ByteWriter();
  const schema = schemaFromColumnData({ columnData: [...columns] }).map((element): SchemaElement =>
    columns.includes(instants) && element.name === instants.name
      ? {
        ...element,
        logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "NANOS" },
      }
      : element
  );
  parquetWrite({ writer, columnData: [...columns], schema, ...options });
  await Deno.writeFile(path, writer.getBytes());
  return path;
}

/** Those of three readings but for their instants, and for what is changed; undefined leaves one out. */
function columnsOf(changed: Readonly<Record<string, ColumnSource | undefined>>): ColumnSource[] {
  const columns: Record<string, ColumnSource | undefined> = {
    tenant_id: { name: "tenant_id", data: new Int32Array(3) },
    device_id: { name: "device_id", data: ["a", "a", "b"] },
    tie_break: { name: "tie_break", data: new BigInt64Array(3) },
    ...Object.fromEntries(names.map((name) => [name, { name, data: new Float64Array(3) }])),
    ...changed,
  };
  return Object.values(columns).filter((column) => column !== undefined);
}

Deno.test("readDayFile finds what was changed, or reads what was written", async () => {
  await using folder = await TempFolder.make();
  const { path, bytes } = await written(folder);
  let [tried, damaged] = [0, 0];
  // Every fifth byte, and each bit in turn.
  for (let at = 0; at < bytes.length; at += 5, tried++) {
    const changed = bytes.slice();
    changed[at]! ^= 1 << at % 8;
    await Deno.writeFile(path, changed);
    try {
      assert.deepStrictEqual(await readingsOf(readDayFile(path, measured)), readings);
    } catch (error) {
      assert(error instanceof UnreadableFileError, `byte ${at}: ${error}`);
      damaged++;
    }
  }
  // What is left are bytes that describe the readings to other readers.
  assert(damaged > tried / 2, `${damaged} of ${tried}`);
});

Deno.test("readDayFile gives the groups before the damage", async () => {
  await using folder = await TempFolder.make();
  const { path, bytes } = await written(folder);
  const given: number[] = [];
  // In the second of three groups.
  bytes[Math.floor(bytes.length / 4)]! ^= 1;
  await Deno.writeFile(path, bytes);
  await assert.rejects(async () => {
    for await (const { deviceIds } of readDayFile(path, measured)) given.push(deviceIds.length);
  }, /row group 2 of 3 is damaged: its bytes are others than were written$/);
  assert.deepEqual(given, [4]);
});

Deno.test("readDayFile says that a file is cut short, wherever it was cut", async () => {
  await using folder = await TempFolder.make();
  const { path, bytes } = await written(folder);
  for (let length = bytes.length - 1; length >= 4; length -= 7) {
    await Deno.truncate(path, length);
    await assertUnreadable(path, "damaged", /it is cut short$/);
  }
});

Deno.test("readDayFile says what is wrong with other files", async () => {
  await using folder = await TempFolder.make();
  const path = join(folder.path, "other.csv");
  for (const text of ["", "PAR", "device_id,timestamp\na,2026-11-18T00:00:00Z\n"]) {
    await Deno.writeTextFile(path, text);
    await assertUnreadable(
      path,
      "foreign",
      /other\.csv as a day's readings: it is no Parquet file$/,
    );
  }
  await assertUnreadable(
    await foreignFile(folder, [{ name: "city", data: ["Paris"] }]),
    "foreign",
    /it has no column tenant_id$/,
  );
  await assertUnreadable(
    await foreignFile(folder, columnsOf({})),
    "foreign",
    /it has no column timestamp$/,
  );
  const timestamp = { name: "timestamp", data: [new Date(), new Date(), new Date()] };
  await assertUnreadable(
    await foreignFile(folder, columnsOf({ timestamp })),
    "foreign",
    /its column timestamp is TIMESTAMP_MILLIS, not TIMESTAMP\(NANOS, UTC\)$/,
  );
  const altitude = { name: "altitude", data: [1.5, 2.5, 3.5] };
  await assertUnreadable(
    await foreignFile(folder, columnsOf({ timestamp: instants, altitude })),
    "foreign",
    /it has a column altitude, which no reading has$/,
  );
  await assert.rejects(readingsOf(readDayFile(join(folder.path, "none"))), { code: "ENOENT" });
});

Deno.test("readDayFile refuses what it would take for something else, or cannot hold", async () => {
  await using folder = await TempFolder.make();
  const columns = columnsOf({ timestamp: instants });
  const kvMetadata = [{ key: "demo-app.format", value: "2" }];
  await assertUnreadable(
    await foreignFile(folder, columns, { kvMetadata }),
    "foreign",
    /a newer release has written it$/,
  );
  const compressors = { LZ4_RAW: (page: Uint8Array) => page };
  await assertUnreadable(
    await foreignFile(folder, columns, { codec: "LZ4_RAW", compressors }),
    "foreign",
    /it is compressed by LZ4_RAW$/,
  );
  await assertUnreadable(
    await foreignFile(folder, columns, { createdBy: "demo-app version 0.1.0", rowGroupSize: 1 }),
    "damaged",
    /its footer makes no sense$/,
  );
});

Deno.test("readDayFile reads another program's file, in whatever order of columns", async () => {
  await using folder = await TempFolder.make();
  const columns = columnsOf({ timestamp: instants, battery_level: undefined }).toReversed();
  const path = await foreignFile(folder, columns);
  const found = await readingsOf(readDayFile(path, measured));
  assert.deepStrictEqual(found.map(({ nanos }) => nanos), [123, 124, 125]);
  assert.deepStrictEqual(found[0], {
    tenantId: 0,
    deviceId: "a",
    micros: archivedDayMicros,
    nanos: 123,
    tieBreak: 0n,
    values: [0, 0, 0, NaN],
  });
});

Deno.test("readDayFile says which part of a reading is missing", async () => {
  await using folder = await TempFolder.make();
  for (const missing of [null, NaN]) {
    const humidity = { name: "humidity", data: [1.5, missing, 3.5] };
    await assertUnreadable(
      await foreignFile(folder, columnsOf({ timestamp: instants, humidity })),
      "damaged",
      /row group 1 of 1 is damaged: a reading has no humidity$/,
    );
  }
});

Deno.test("readDayFile reads a file from before there was a measure", async () => {
  await using folder = await TempFolder.make();
  const { path } = await written(folder);
  const later = [...measured, { column: "co2", optional: true }];
  assert.deepStrictEqual(
    await readingsOf(readDayFile(path, later)),
    readings.map((reading) => ({ ...reading, values: [...reading.values, NaN] })),
  );
});
