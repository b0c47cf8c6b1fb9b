import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { backendConfig } from "../../../tests/support/backend_run.ts";
import { eachDatabase } from "../../../tests/support/each_database.ts";
import { openDays } from "../../../tests/support/open_days.ts";
import { said } from "../../../tests/support/said.ts";
import { countRows, device, readingRow } from "../../../tests/support/store_rows.ts";
import { TempFolder } from "../../../tests/support/temp_folder.ts";
import type { Database } from "../../backend/store/database.ts";
import { writeDevices } from "../../backend/store/devices/write_devices.ts";
import { writeReadings } from "../../backend/store/readings/write_readings.ts";
import { importHistory } from "../history/import_history.ts";
import { printStorage } from "../storage/storage.ts";
import { printPlan } from "./plan_retention.ts";
import { runRetention } from "./run_retention.ts";

const dayMs = 86_400_000;
const firstMs = Date.UTC(2024, 1, 20);
const days = 5;
const signal = new AbortController().signal;
const log = getLogger("retention-test");

type Flags = Readonly<Record<string, string>>;

const config = (flags: Flags = {}) =>
  backendConfig({ "history-compaction": "false", "retention-raw": "10d", ...flags });
const at = (day: number) => firstMs + day * dayMs;

/** Without what depends on the database: bytes, and the width of what is beside them. */
const shortened = (lines: readonly string[]) =>
  lines.map((line) => line.replace(/[\d.]+ kB/, "x kB").replaceAll(/ {2,}/g, "  "));

const plan = (
  db: Kysely<Database>,
  day: number,
  flags?: Flags,
  format: "table" | "json" = "table",
) => said((print) => printPlan(db, config(flags), { format, nowMs: at(day) }, print));
const run = (db: Kysely<Database>, day: number, flags?: Flags, yes = true) =>
  said((print) => {
    const options = { yes, nowMs: () => Promise.resolve(at(day)), log, signal };
    return runRetention(db, config(flags), options, print);
  });
const restore = (db: Kysely<Database>, day: number, files: readonly string[], flags?: Flags) =>
  said((print) => importHistory(db, config(flags), { files, nowMs: at(day), signal }, print));

/** Two readings of a device each day. */
async function fill(db: Kysely<Database>): Promise<void> {
  await openDays(db, firstMs * 1_000, at(days) * 1_000);
  await writeDevices(db, defaultTenant, [device("a")]);
  await writeReadings(
    db,
    defaultTenant,
    Array.from(
      { length: 2 * days },
      (_, reading) => readingRow("a", { seconds: firstMs / 1_000 + reading * 43_200, nanos: 1 }),
    ),
  );
}

eachDatabase("retention", {
  async "plans what run then drops, and drops nothing unasked"(db) {
    await fill(db);
    // The later one stays: of rows that share a partition, days are due one by one.
    for (const late of [at(-3), at(-1)]) {
      await writeReadings(db, defaultTenant, [readingRow("a", { seconds: late / 1_000 })]);
    }
    const unarchived = "Readings are not archived: backend.retention.archive names no directory.";
    assert.deepEqual(shortened(await plan(db, 9)), [
      "KIND  PARTITION  DAYS  COUNT  BYTES  STATE",
      "rows  sensor_readings_older  2024-02-17, late  1  x kB  due",
      "",
      "All of it: 0 partitions, 1 readings, x kB.",
      unarchived,
      "Next is sensor_readings_20240220 at 2024-03-02T00:00:00.000Z, in 2d: x kB.",
    ]);
    assert.deepEqual(shortened(await plan(db, 12)), [
      "KIND  PARTITION  DAYS  COUNT  BYTES  STATE",
      "rows  sensor_readings_20240220  2024-02-20  2  x kB  due",
      "rows  sensor_readings_20240221  2024-02-21  2  x kB  due",
      "rows  sensor_readings_older  2024-02-17 to 2024-02-19, late  2  x kB  due",
      "",
      "All of it: 2 partitions, 6 readings, x kB.",
      unarchived,
      "Next is sensor_readings_20240222 at 2024-03-04T00:00:00.000Z, in 1d: x kB.",
    ]);
    await assert.rejects(
      run(db, 12, {}, false),
      (error) =>
        error instanceof ExitError &&
        /^Cannot drop unasked what is due: 2 partitions, 6 readings, .* say --yes/.test(
          error.message,
        ),
    );
    assert.equal(await countRows(db, "sensor_readings"), 2 * days + 2);
    assert.deepEqual(shortened(await run(db, 12)), [
      "Closed sensor_readings_20240220.",
      "Closed sensor_readings_20240221.",
      "Dropped sensor_readings_20240220: 2 readings, x kB.",
      "Dropped sensor_readings_20240221: 2 readings, x kB.",
      "Deleted 1 late readings of 2024-02-17.",
      "Deleted 1 late readings of 2024-02-19.",
      "Next is sensor_readings_20240222 at 2024-03-04T00:00:00.000Z, in 1d: x kB.",
    ]);
    assert.equal(await countRows(db, "sensor_readings"), 2 * days - 4);
    assert.deepEqual((await run(db, 12))[0], "Nothing is due.");
  },

  async "says where to readings are archived, and what waits for rollups"(db) {
    await fill(db);
    await using folder = await TempFolder.make();
    await sql`update reading_progress set rolled_until = '2024-02-21'`.execute(db);
    const flags = { "retention-archive": folder.path };
    const planned = await plan(db, 12, flags);
    assert.match(planned[1]!, / due$/);
    assert.match(planned[2]!, / waits for rollups$/);
    assert(planned.includes(
      `Readings of 2 days are archived before, as ${folder.path}/readings-2024-02-20.parquet.`,
    ));
    const [first] = await plan(db, 12, flags, "json");
    assert.partialDeepStrictEqual(JSON.parse(first!), {
      kind: "rows",
      partition: "sensor_readings_20240220",
      days: ["2024-02-20"],
      count: 2,
      waits: false,
      files: [`${folder.path}/readings-2024-02-20.parquet`],
    });
    const done = await run(db, 12, flags);
    assert(
      done.some((line) => line.startsWith("Archived 2 readings of 2024-02-20 as ")),
      `${done}`,
    );
    assert.match(done.at(-2)!, /^Left for now, until rollups tell it: 1 partitions?, 2 readings, /);
    assert.deepEqual(await folder.names(), ["readings-2024-02-20.parquet"]);
  },
});

eachDatabase("history import", {
  async "reads back in what was archived, once, and parks what no device is registered for"(db) {
    await fill(db);
    await writeDevices(db, defaultTenant, [device("gone")]);
    await writeReadings(db, defaultTenant, [readingRow("gone", { seconds: at(1) / 1_000 })]);
    await using folder = await TempFolder.make();
    await run(db, 12, { "retention-archive": folder.path });
    const files = (await folder.names()).map((name) => `${folder.path}/${name}`);
    assert.equal(files.length, 2);
    await sql`delete from iot_devices where device_id = 'gone'`.execute(db);
    assert.equal(await countRows(db, "sensor_readings"), 2 * days - 4);

    const longer = { "retention-raw": "11d" };
    assert.deepEqual(await restore(db, 11.5, files, longer), [
      `${files[0]}  2 readings stored, 0 were there`,
      `${files[1]}  2 readings stored, 1 parked until their devices are registered, 0 were there`,
    ]);
    assert.equal(await countRows(db, "sensor_readings"), 2 * days);
    assert.deepEqual(await restore(db, 11.5, files, longer), [
      `${files[0]}  0 readings stored, 2 were there`,
      `${files[1]}  0 readings stored, 3 were there`,
    ]);
    // The same to the bit: the key has the nanoseconds, and what was measured.
    const { tieBreak } = readingRow("a", { nanos: 1 });
    const { rows } = await sql<{ readonly tie: string }>`
      select distinct tie_break::text as tie from sensor_readings`.execute(db);
    assert.deepEqual(rows.map(({ tie }) => tie), [String(tieBreak)]);
  },

  async "refuses what would be dropped at once, and what is no such file"(db) {
    await fill(db);
    await using folder = await TempFolder.make();
    await run(db, 12, { "retention-archive": folder.path });
    const [first] = (await folder.names()).map((name) => `${folder.path}/${name}`);
    const refused = (day: number, flags: Flags, key: RegExp) =>
      assert.rejects(
        restore(db, day, [first!], flags),
        (error) => error instanceof ExitError && key.test(error.message),
      );
    await refused(11, {}, /2024-02-20 would be dropped.*backend\.retention\.raw is 10d/);
    const packs = { "history-compaction": "true", "retention-history": "30d" };
    await refused(41, packs, /would be dropped.*backend\.retention\.history is 30d/);
    await refused(31.5, { ...packs, "retention-raw": "7d" }, /retention\.history is 30d/);
    await refused(36, { ...packs, "retention-raw": "35d" }, /retention\.raw is 35d/);
    assert.deepEqual((await restore(db, 29, [first!], packs)).length, 1);
    await Deno.writeTextFile(`${folder.path}/other`, "something else");
    for (const name of ["other", "missing"]) {
      await assert.rejects(restore(db, 5, [`${folder.path}/${name}`]), ExitError);
    }
    await assert.rejects(restore(db, 5, []), /^ExitError: Cannot import: say which files$/);
  },
});

eachDatabase("storage", {
  async "prints a table, or objects, of the same"(db) {
    await fill(db);
    const print = (format: "table" | "json") =>
      said((print) => printStorage(db, config(), { format, nowMs: at(12) }, print));
    const table = await print("table");
    assert.match(table[0]!, /^KIND +PARTITIONS +TABLES +INDEXES +ALL$/);
    assert.match(table[1]!, /^rows +6 /);
    assert(table.includes("oldest reading  2024-02-20T00:00:00.000000Z"), table.join("\n"));
    assert.match(
      table.at(-1)!,
      /^retention +2 partitions due\. Next is sensor_readings_20240222 at /,
    );
    const objects = (await print("json")).map((line) => JSON.parse(line));
    assert.partialDeepStrictEqual(objects[0], { kind: "rows", partitions: 6 });
    assert.partialDeepStrictEqual(objects.at(-1), {
      oldest: "2024-02-20T00:00:00.000000Z",
      compaction: { days: 0, readings: 0 },
      retention: { due: 2, next: { partition: "sensor_readings_20240222" } },
    });
  },
});
