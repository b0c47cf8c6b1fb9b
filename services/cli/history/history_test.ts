import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { eachDatabase } from "../../../tests/support/each_database.ts";
import { said } from "../../../tests/support/said.ts";
import { countRows, device, readingRow } from "../../../tests/support/store_rows.ts";
import type { Database } from "../../backend/store/database.ts";
import { writeDevices } from "../../backend/store/devices/write_devices.ts";
import { dayMicros, dayOf, isoDay } from "../../backend/store/partitions/days.ts";
import { pageReadings } from "../../backend/store/readings/page_readings.ts";
import { writeReadings } from "../../backend/store/readings/write_readings.ts";
import { compactHistory } from "./compact_history.ts";
import { expandHistory } from "./expand_history.ts";
import { listHistory } from "./list_history.ts";

const context = { log: getLogger("history-test"), signal: new AbortController().signal };
const days = 4;
const perDay = 300;

/** The days, the oldest first; all of them are over for more than a day. */
function fill() {
  const today = dayOf(Date.now() * 1_000);
  const begins = Array.from({ length: days }, (_, at) => today - (days + 2 - at) * dayMicros);
  const rows = begins.flatMap((day) =>
    Array.from(
      { length: perDay },
      (_, at) => readingRow("a", { seconds: day / 1_000_000 + at * 60, temperature: at / 10 }),
    )
  );
  return { rows, names: begins.map(isoDay) };
}

const compact = (db: Kysely<Database>, expanded = false) =>
  said((print) => compactHistory(db, { afterMs: 86_400_000, expanded }, context, print));
const list = (db: Kysely<Database>, limit = Infinity) =>
  said((print) => listHistory(db, { limit, signal: context.signal }, print));
const expand = (db: Kysely<Database>, from: string, to = from) =>
  said((print) => expandHistory(db, { from, to }, context, print));

async function stored(db: Kysely<Database>): Promise<readonly number[]> {
  const page = { deviceId: "a", before: undefined, limit: 10_000 };
  return (await pageReadings(db, defaultTenant, page)).map(({ position }) => position.micros);
}

eachDatabase("history", {
  async "packs days, makes rows of them again, and packs these when it is told to"(db) {
    const { rows, names } = fill();
    await writeDevices(db, defaultTenant, [device("a")]);
    await writeReadings(db, defaultTenant, rows);
    const all = await stored(db);
    assert.equal(all.length, rows.length);
    assert.deepEqual(await list(db), ["No days are packed."]);

    assert.deepEqual(await compact(db), [
      `Packed ${rows.length} readings of closed days, and 0 late ones.`,
    ]);
    assert.deepEqual(await stored(db), all);
    const listed = await list(db);
    assert.deepEqual(listed.slice(1, -2).map((line) => line.split(/ +/).slice(0, 2)), [
      ...names.map((name) => [name, String(perDay)]),
    ]);
    assert.match(
      listed.at(-1)!,
      /^1200 readings are packed, in [\d.]+ k?B, [\d.]+ B each; as rows/,
    );
    assert.equal((await list(db, 2)).at(-2), "The newest 2 of 4 days are shown.");

    assert.deepEqual(await expand(db, names[1]!, names[2]), [
      `${names[1]}  ${perDay} readings are rows again`,
      `${names[2]}  ${perDay} readings are rows again`,
      "They stay rows until demo-app history compact --expanded.",
    ]);
    assert.deepEqual(await stored(db), all);
    assert.equal(await countRows(db, "closed_readings"), 2 * perDay);
    const [, , second] = await list(db);
    assert.match(second!, /^\S+ +rows again *$/);

    // Something late of one of them, and something that is there.
    const late = readingRow("a", { seconds: rows[perDay]!.micros / 1_000_000 + 1 });
    const written = await writeReadings(db, defaultTenant, [late, rows[perDay]!]);
    assert.deepEqual(written, { stored: 1, parked: 0 });
    assert.deepEqual(await compact(db), ["Packed 0 readings of closed days, and 0 late ones."]);
    assert.deepEqual(await compact(db, true), [
      "Packed 600 readings of closed days, and 1 late ones.",
    ]);
    assert.equal((await stored(db)).length, all.length + 1);
    assert.match((await list(db)).at(-1)!, /^1201 readings/);
  },

  async "says why a day can't be rows again"(db) {
    const { rows, names } = fill();
    await writeDevices(db, defaultTenant, [device("a")]);
    await writeReadings(db, defaultTenant, rows);
    const refused = (message: RegExp) => (error: unknown) =>
      error instanceof ExitError && message.test(error.message);
    await assert.rejects(
      expand(db, names[0]!),
      refused(/^Cannot expand: no day from .* is packed$/),
    );
    await compact(db);
    await expand(db, names[0]!);
    await assert.rejects(expand(db, names[0]!), refused(/no day from .* is packed$/));
  },

  async "goes on after an expansion that was interrupted"(db) {
    const { rows, names } = fill();
    await writeDevices(db, defaultTenant, [device("a")]);
    await writeReadings(db, defaultTenant, rows);
    await compact(db);
    const all = await stored(db);
    const left = sql.table(`sensor_readings_${names[0]!.replaceAll("-", "")}`);
    await sql`create table ${left} (like sensor_readings)`.execute(db);
    await sql`
      insert into ${left} (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level, tenant_id)
      values ('a', ${names[0]}::date, 1, 1, 1, 1, 1, 0)`.execute(db);
    await expand(db, names[0]!);
    assert.deepEqual(await stored(db), all);
  },
});
