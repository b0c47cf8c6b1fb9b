import assert from "node:assert/strict";
import { join } from "node:path";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { readingsOf } from "../../../tests/support/archived_readings.ts";
import { compactor } from "../../../tests/support/compactor.ts";
import { eachDatabase } from "../../../tests/support/each_database.ts";
import { openDays } from "../../../tests/support/open_days.ts";
import { countRows, device, readingRow } from "../../../tests/support/store_rows.ts";
import { TempFolder } from "../../../tests/support/temp_folder.ts";
import { DraftFile } from "../archive/draft_file.ts";
import { readDayFile } from "../archive/read_day_file.ts";
import type { Database } from "../store/database.ts";
import { writeDevices } from "../store/devices/write_devices.ts";
import { expandDay } from "../store/history/expand_day.ts";
import { dayMicros } from "../store/partitions/days.ts";
import { makePartition } from "../store/partitions/make_partition.ts";
import { listPartitions, type PartitionedTable } from "../store/partitions/list_partitions.ts";
import { pageReadings } from "../store/readings/page_readings.ts";
import { writeReadings } from "../store/readings/write_readings.ts";
import { dueParts } from "../store/retention/due_parts.ts";
import { keptParts } from "../store/retention/kept_parts.ts";
import type { RetentionPolicy } from "../store/retention/retention_policy.ts";
import { readBuckets } from "../store/rollups/read_buckets.ts";
import { Retainer } from "./retainer.ts";
import type { RetentionEvent } from "./retention_event.ts";

const dayMs = dayMicros / 1_000;
const firstMs = Date.UTC(2024, 1, 20);
/** From 20 February until before 5 March. */
const days = 14;
const ids = ["a", "b", "c"];
const running = new AbortController().signal;

/** Everything for ever, and rows are not packed, unless said otherwise. */
function policy(
  keptDays: Partial<RetentionPolicy["keptMs"]>,
  packs = false,
): RetentionPolicy {
  const forever = { rows: Infinity, history: Infinity, minute: Infinity, hour: Infinity };
  const given = Object.entries(keptDays).map(([kind, days]) => [kind, days * dayMs]);
  return {
    keptMs: { ...forever, day: Infinity, ...Object.fromEntries(given) },
    packs,
    expandedMs: Infinity,
  };
}

function retainer(
  db: Kysely<Database>,
  { kept, atDay, archive }: {
    readonly kept: RetentionPolicy;
    /** Days from the first one to now. */
    readonly atDay: number;
    readonly archive?: string;
  },
): Retainer {
  const nowMs = () => Promise.resolve(firstMs + atDay * dayMs);
  return new Retainer({ db, policy: kept, archive, nowMs, log: getLogger("retention-test") });
}

/** All that it does until nothing is left to do. */
async function run(retainer: Retainer): Promise<readonly RetentionEvent[]> {
  const events: RetentionEvent[] = [];
  for (let event; (event = await retainer.step(running)) !== undefined;) events.push(event);
  return events;
}

/** As `drop sensor_readings_20240220 9`. */
function inWords(events: readonly RetentionEvent[]): readonly string[] {
  return events.map((event) => {
    switch (event.did) {
      case "pack again":
        return `pack again ${event.days}`;
      case "close":
        return `close ${event.name}`;
      case "archive":
        return `archive ${event.day} ${event.file.readings}`;
      case "drop":
        return `drop ${event.part.partition.name} ${event.count}`;
      case "delete":
        return `delete ${event.day} ${event.count}`;
    }
  });
}

/** Three readings of each device in each of the days. */
async function fill(db: Kysely<Database>, fromDay = 0, untilDay = days): Promise<void> {
  await openDays(db, firstMs * 1_000, (firstMs + days * dayMs) * 1_000);
  await writeDevices(db, defaultTenant, ids.map((id) => device(id)));
  for (let day = fromDay; day < untilDay; day++) await fillDay(db, day);
}

async function fillDay(db: Kysely<Database>, day: number, temperature = 20): Promise<void> {
  const seconds = [1, 40_000, 86_399].map((second) => firstMs / 1_000 + day * 86_400 + second);
  const rows = ids.flatMap((id) =>
    seconds.map((seconds) => readingRow(id, { seconds, temperature, nanos: 1_234 }))
  );
  await writeReadings(db, defaultTenant, rows);
}

async function pack(db: Kysely<Database>): Promise<void> {
  const compaction = compactor(db);
  while (await compaction.step(running) === "more");
}

async function names(db: Kysely<Database>, table: PartitionedTable): Promise<readonly string[]> {
  return (await listPartitions(db, table)).map(({ name }) => name);
}

async function readingsOfDevice(db: Kysely<Database>, deviceId = "a"): Promise<number> {
  const page = { deviceId, before: undefined, limit: 1_000 };
  return (await pageReadings(db, defaultTenant, page)).length;
}

async function progress(db: Kysely<Database>): Promise<Readonly<Record<string, string>>> {
  const { rows: [row] } = await sql<Readonly<Record<string, string>>>`
    select (open_from at time zone 'UTC')::date::text as open,
      coalesce((
        select string_agg(
          concat_ws(' to ', (lower(span) at time zone 'UTC')::date, (upper(span) at time zone 'UTC')::date),
          ', ' order by span
        ) from unnest(dropped) as span
      ), 'none') as dropped,
      (minutes_dropped_until at time zone 'UTC')::date::text as minutes,
      (days_dropped_until at time zone 'UTC')::date::text as days
    from reading_progress`.execute(db);
  return row!;
}

eachDatabase("Retainer", {
  async "closes and drops days of rows whose time is over, where nothing is packed"(db) {
    await fill(db);
    const events = await run(retainer(db, { kept: policy({ rows: 10 }), atDay: 12.5 }));
    assert.deepEqual(inWords(events), [
      "close sensor_readings_20240220",
      "close sensor_readings_20240221",
      "drop sensor_readings_20240220 9",
      "drop sensor_readings_20240221 9",
    ]);
    assert.deepEqual(await names(db, "closed_readings"), []);
    assert.equal(await readingsOfDevice(db), (days - 2) * 3);
    const { open, dropped } = await progress(db);
    assert.deepEqual([open, dropped], ["2024-02-22", "2024-02-20 to 2024-02-22"]);
    assert.deepEqual(await run(retainer(db, { kept: policy({ rows: 10 }), atDay: 12.9 })), []);
  },

  async "drops a day that nothing was written to, whatever rollups tell"(db) {
    await fill(db, 1, 1);
    await sql`update reading_progress set rolled_until = '-infinity'`.execute(db);
    const options = { kept: policy({ rows: 10 }), atDay: 11 };
    assert.deepEqual(inWords(await run(retainer(db, options))), [
      "drop sensor_readings_20240220 0",
    ]);
    assert.equal((await names(db, "sensor_readings"))[1], "sensor_readings_20240221");
  },

  async "drops what its plan names, and nothing else"(db) {
    await fill(db);
    await pack(db);
    const kept = policy({ history: 30, rows: 30 }, true);
    const atDay = 10 + 30;
    const due = dueParts(await keptParts(db), kept, firstMs + atDay * dayMs);
    const whole = due.filter(({ rowsBeforeMicros }) => rowsBeforeMicros === undefined);
    assert.deepEqual(whole.map(({ partition }) => partition.name), ["sensor_history_202402"]);
    const events = await run(retainer(db, { kept, atDay }));
    assert.deepEqual(inWords(events), ["drop sensor_history_202402 90"]);
    assert.deepEqual(await names(db, "sensor_history"), ["sensor_history_202403"]);
    const { rows: [left] } = await sql<{ readonly days: number; readonly least: string }>`
      select count(*)::int as days, min(day)::text as least from compacted_days`.execute(db);
    assert.deepEqual(left, { days: 3, least: "2024-03-01" });
    assert.equal((await progress(db))["dropped"], "2024-02-20 to 2024-03-01");
    assert.equal(await readingsOfDevice(db), (days - 10) * 3);
  },

  async "keeps rows that are to be packed as long as what is packed"(db) {
    await fill(db);
    const kept = { ...policy({ history: 30, rows: 30 }, true), expandedMs: 2 * dayMs };
    assert.deepEqual(await run(retainer(db, { kept, atDay: 14 })), []);
    await pack(db);
    await sql`
      update compacted_days set expanded = true where day in ('2024-02-21', '2024-03-03')`
      .execute(db);
    const events = await run(retainer(db, { kept, atDay: 14 }));
    assert.deepEqual(inWords(events), ["pack again 2024-02-21"]);
  },

  async "drops partitions of rollups, and notes until when"(db) {
    await fill(db, 0, 0);
    for (const [table, at] of [["rollups_minute", "2024-02"], ["rollups_day", "2023"]] as const) {
      const [from, until] = at === "2023"
        ? ["2023-01-01", "2024-01-01"]
        : ["2024-02-01", "2024-03-01"];
      await sql`
        create table ${sql.table(`${table}_${at.replace("-", "")}`)} partition of ${
        sql.table(table)
      } for values from (${sql.lit(`${from} 00:00:00+00`)}) to (${sql.lit(`${until} 00:00:00+00`)})`
        .execute(db);
    }
    const kept = policy({ minute: 10, day: 100 });
    assert.deepEqual(inWords(await run(retainer(db, { kept, atDay: 19 }))), []);
    assert.deepEqual(inWords(await run(retainer(db, { kept, atDay: 20 }))), [
      "drop rollups_minute_202402 0",
    ]);
    assert.deepEqual(inWords(await run(retainer(db, { kept, atDay: 50 }))), [
      "drop rollups_day_2023 0",
    ]);
    assert.deepEqual(await progress(db), {
      open: "2024-02-20",
      dropped: "none",
      minutes: "2024-03-01",
      days: "2024-01-01",
    });
  },

  async "waits until rollups tell all that it drops"(db) {
    await fill(db, 0, 2);
    const options = { kept: policy({ rows: 10 }), atDay: 11 };
    await sql`update reading_progress set rolled_until = '2024-02-20 23:00Z'`.execute(db);
    assert.deepEqual(inWords(await run(retainer(db, options))), ["close sensor_readings_20240220"]);
    await sql`update reading_progress set rolled_until = '2024-02-21 00:00Z'`.execute(db);
    await sql`insert into rollup_marks values (0, '2024-02-20 23:00Z', 'a')`.execute(db);
    assert.deepEqual(inWords(await run(retainer(db, options))), []);
    await sql`update rollup_marks set hour = '2024-02-21 00:00Z'`.execute(db);
    await sql`insert into rollup_marks values (0, '2024-02-19 23:00Z', 'a')`.execute(db);
    assert.deepEqual(inWords(await run(retainer(db, options))), [
      "drop sensor_readings_20240220 9",
    ]);
  },

  async "deletes late rows from the partition that stays, by the day"(db) {
    await fill(db, 0, 0);
    await fillDay(db, -400);
    await fillDay(db, -20);
    await fillDay(db, -2);
    const kept = policy({ rows: 10 });
    const events = await run(retainer(db, { kept, atDay: 1 }));
    const words = inWords(events);
    assert.deepEqual(words, ["delete 2023-01-16 9", "delete 2024-01-31 9"]);
    assert.equal(await countRows(db, "sensor_readings"), 9);
    const gone = "2023-01-16 to 2023-01-17, 2024-01-31 to 2024-02-01";
    assert.equal((await progress(db))["dropped"], gone);
  },

  async "takes nothing from charts of what is packed, and outlives later rows"(db) {
    await fill(db, 0, 2);
    await pack(db);
    await fillDay(db, 5);
    const kept = policy({ rows: 10 });
    assert.deepEqual(inWords(await run(retainer(db, { kept, atDay: 40 }))), [
      "delete 2024-02-25 9",
    ]);
    const [fromMicros, untilMicros] = [firstMs * 1_000, (firstMs + days * dayMs) * 1_000];
    const query = { deviceId: "a", fromMicros, untilMicros, bucketSeconds: 1 };
    assert.equal((await readBuckets(db, defaultTenant, query)).length, 6);
  },

  async "takes nothing from charts of a day that is rows again, and outlives what was packed"(db) {
    await fill(db);
    await pack(db);
    const expanded = firstMs * 1_000 + 5 * dayMicros;
    const context = { log: getLogger("retention-test") };
    await expandDay(db, { dayMicros: expanded, context });
    const kept = policy({ history: 30 });
    assert.deepEqual(inWords(await run(retainer(db, { kept, atDay: 40 }))), [
      "drop sensor_history_202402 81",
    ]);
    const gone = "2024-02-20 to 2024-02-25, 2024-02-26 to 2024-03-01";
    assert.equal((await progress(db))["dropped"], gone);
    const untilMicros = expanded + dayMicros;
    const query = { deviceId: "a", fromMicros: expanded, untilMicros, bucketSeconds: 1 };
    assert.equal((await readBuckets(db, defaultTenant, query)).length, 3);
  },

  async "archives each day of rows before it drops their partition"(db) {
    await fill(db, 0, 2);
    await using folder = await TempFolder.make();
    const options = { kept: policy({ rows: 10 }), atDay: 12, archive: folder.path };
    assert.deepEqual(inWords(await run(retainer(db, options))), [
      "close sensor_readings_20240220",
      "close sensor_readings_20240221",
      "archive 2024-02-20 9",
      "drop sensor_readings_20240220 9",
      "archive 2024-02-21 9",
      "drop sensor_readings_20240221 9",
    ]);
    assert.equal(await readingsOfDevice(db), 0);
    assert.deepEqual(await folder.names(), [
      "readings-2024-02-20.parquet",
      "readings-2024-02-21.parquet",
    ]);
    const read = await readingsOf(readDayFile(join(folder.path, "readings-2024-02-20.parquet")));
    assert.deepEqual(
      read.map(({ deviceId, micros, nanos }) => [deviceId, micros, nanos]),
      ids.flatMap((id) =>
        [1, 40_000, 86_399].map((second) => [id, firstMs * 1_000 + second * 1_000_000 + 1, 234])
      ),
    );
    const { tieBreak, values } = readingRow("a", { nanos: 1_234 });
    assert.deepEqual(read[0]!.tieBreak, tieBreak);
    assert.deepEqual(read[0]!.values, values);
  },

  async "archives history, goes on after it was interrupted, and archives again what has changed"(
    db,
  ) {
    await fill(db, 6);
    await pack(db);
    await using folder = await TempFolder.make();
    const kept = policy({ history: 30, rows: Infinity }, true);
    const options = { kept, atDay: 40, archive: folder.path };
    const first = retainer(db, options);
    const words: string[] = [];
    for (let step = 0; step < 3; step++) {
      words.push(...inWords([(await first.step(running))!]));
    }
    assert.deepEqual(words, [
      "archive 2024-02-26 9",
      "archive 2024-02-27 9",
      "archive 2024-02-28 9",
    ]);
    assert.equal(await readingsOfDevice(db), 24);
    // As after a restart: nothing is written twice.
    const second = retainer(db, options);
    const again: RetentionEvent[] = [];
    while (again.length < 4) again.push((await second.step(running))!);
    assert.deepEqual(inWords(again), [...words, "archive 2024-02-29 9"]);
    assert.deepEqual(
      again.map((event) => event.did === "archive" && event.file.isNew),
      [false, false, false, true],
    );
    // Late ones of a day that is archived, and packed by now.
    await fillDay(db, 7, 30);
    await pack(db);
    assert.deepEqual(inWords(await run(second)), [
      "archive 2024-02-27 18",
      "drop sensor_history_202402 45",
    ]);
    assert.deepEqual(await folder.names(), [
      "readings-2024-02-26.parquet",
      "readings-2024-02-27.2.parquet",
      "readings-2024-02-27.parquet",
      "readings-2024-02-28.parquet",
      "readings-2024-02-29.parquet",
    ]);
    assert.equal(await readingsOfDevice(db), 12);
  },

  async "archives late rows before it deletes them, and none that came meanwhile"(db) {
    await fill(db, 0, 0);
    await fillDay(db, -20);
    await using folder = await TempFolder.make();
    const options = { kept: policy({ rows: 10 }), atDay: 0, archive: folder.path };
    const first = retainer(db, options);
    assert.deepEqual(inWords([(await first.step(running))!]), ["archive 2024-01-31 9"]);
    const { tieBreak, ...late } = readingRow("c", { seconds: firstMs / 1_000 - 20 * 86_400 + 2 });
    await writeReadings(db, defaultTenant, [{ ...late, tieBreak: tieBreak + 1n }]);
    assert.deepEqual(inWords(await run(first)), ["archive 2024-01-31 10", "delete 2024-01-31 10"]);
    assert.equal(await countRows(db, "sensor_readings"), 0);
    assert.deepEqual(await folder.names(), [
      "readings-2024-01-31.2.parquet",
      "readings-2024-01-31.parquet",
    ]);
  },

  async "drops nothing that it cannot archive, and does once it can"(db) {
    await fill(db, 0, 1);
    await using folder = await TempFolder.make();
    const archive = join(folder.path, "archive");
    await Deno.writeTextFile(archive, "a file");
    const broken = retainer(db, { kept: policy({ rows: 10 }), atDay: 11, archive });
    assert.equal((await broken.step(running))?.did, "close");
    for (let attempt = 0; attempt < 2; attempt++) {
      await assert.rejects(
        broken.step(running),
        ({ message }: Error) => message.startsWith(`Cannot archive 2024-02-20 in ${archive}: `),
      );
    }
    assert.equal(await readingsOfDevice(db), 3);
    await Deno.remove(archive);
    assert.deepEqual(inWords(await run(broken)), [
      "archive 2024-02-20 9",
      "drop sensor_readings_20240220 9",
    ]);
  },

  async "leaves a day to another one that archives it"(db) {
    await fill(db, 0, 1);
    await using folder = await TempFolder.make();
    await using _other = await DraftFile.open(
      join(folder.path, "readings-2024-02-20.parquet.tmp"),
    );
    const options = { kept: policy({ rows: 10 }), atDay: 11, archive: folder.path };
    assert.deepEqual(inWords(await run(retainer(db, options))), ["close sensor_readings_20240220"]);
  },

  async "gives up on a partition that changes whenever it is archived, and begins anew"(db) {
    await fill(db, 0, 2);
    await pack(db);
    await using folder = await TempFolder.make();
    const kept = policy({ history: 30, rows: Infinity }, true);
    const first = retainer(db, { kept, atDay: 60, archive: folder.path });
    const changed = async (temperature: number) => {
      await fillDay(db, 0, temperature);
      await pack(db);
    };
    assert.deepEqual(inWords([(await first.step(running))!]), ["archive 2024-02-20 9"]);
    assert.deepEqual(inWords([(await first.step(running))!]), ["archive 2024-02-21 9"]);
    await changed(21);
    assert.deepEqual(inWords([(await first.step(running))!]), ["archive 2024-02-20 18"]);
    await changed(22);
    await assert.rejects(
      first.step(running),
      /^Error: Cannot drop sensor_history_202402: it has other readings than were archived of it$/,
    );
    assert.deepEqual(inWords(await run(first)), [
      "archive 2024-02-20 27",
      "archive 2024-02-21 9",
      "drop sensor_history_202402 36",
    ]);
  },

  async "loses nothing where it is interrupted while it deletes what is archived"(db) {
    await fill(db, 0, 0);
    const many = Array.from({ length: 25 }, (_, at) => `d${10 + at}`);
    await writeDevices(db, defaultTenant, many.map((id) => device(id)));
    const seconds = firstMs / 1_000 - 5 * 86_400;
    await writeReadings(db, defaultTenant, many.map((id) => readingRow(id, { seconds })));
    await using folder = await TempFolder.make();
    const options = { kept: policy({ rows: 10 }), atDay: 10, archive: folder.path };
    const first = retainer(db, options);
    const words = inWords([(await first.step(running))!, (await first.step(running))!]);
    assert.deepEqual(words, ["archive 2024-02-15 25", "delete 2024-02-15 17"]);
    assert.deepEqual(inWords(await run(retainer(db, options))), [
      "archive 2024-02-15 8",
      "delete 2024-02-15 8",
    ]);
    const archived = new Set<string>();
    for (const name of await folder.names()) {
      const readings = await readingsOf(readDayFile(join(folder.path, name)));
      for (const { deviceId } of readings) archived.add(deviceId);
    }
    assert.deepEqual([...archived].sort(), many);
  },

  async "deletes from a table that was carried over whole, and drops it once all of it is over"(
    db,
  ) {
    await fill(db, 0, 0);
    await sql`drop table sensor_readings_older`.execute(db);
    const whole = { name: "sensor_readings_before", fromMicros: -Infinity };
    await db.transaction().execute((transaction) =>
      makePartition(transaction, "sensor_readings", { ...whole, untilMicros: firstMs * 1_000 })
    );
    await sql`update reading_progress set open_from = '-infinity'`.execute(db);
    for (const day of [-40, -3, 0]) await fillDay(db, day);
    const kept = policy({ rows: 10 });
    assert.deepEqual(inWords(await run(retainer(db, { kept, atDay: 0 }))), ["delete 2024-01-11 9"]);
    assert.equal((await names(db, "sensor_readings"))[0], "sensor_readings_before");
    const days = Array.from({ length: 3 }, (_, at) => `2024022${at}`);
    assert.deepEqual(inWords(await run(retainer(db, { kept, atDay: 10 }))), [
      "close sensor_readings_before",
      "drop sensor_readings_before 9",
    ]);
    assert.deepEqual(
      (await names(db, "sensor_readings")).slice(0, 4),
      ["sensor_readings_older", ...days.map((day) => `sensor_readings_${day}`)],
    );
    assert.equal(await countRows(db, "sensor_readings"), 9);
  },
});
