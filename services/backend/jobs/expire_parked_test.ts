import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { Registry } from "prom-client";
import type { OutgoingMessage } from "#shared/broker/port/broker.ts";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { eachDatabase, eachServer } from "../../../tests/support/each_database.ts";
import { countRows, device, noonSeconds, readingRow } from "../../../tests/support/store_rows.ts";
import { decodeReading } from "../ingest/decode_reading.ts";
import { createIngestMetrics } from "../ingest/ingest_metrics.ts";
import type { ReadingRow } from "../readings/reading_row.ts";
import { onOneReplica } from "../store/connection/on_one_replica.ts";
import type { Database } from "../store/database.ts";
import { writeDevices } from "../store/devices/write_devices.ts";
import { takeParked } from "../store/parked/take_parked.ts";
import { writeReadings } from "../store/readings/write_readings.ts";
import { expireParkedJob } from "./expire_parked.ts";

const log = getLogger("expire-parked-test");
const { signal } = new AbortController();
const dayMs = 86_400_000;
const lax = { maxAgeMs: 30 * dayMs, maxReadings: 1_000_000 };

/** A job on `db` whose letters are kept here; `refuses` says which the broker does not take. */
function job(db: Kysely<Database>, refuses: (letter: OutgoingMessage) => boolean = () => false) {
  const letters: OutgoingMessage[] = [];
  const metrics = createIngestMetrics(new Registry());
  const deadLetters = {
    room: () => Promise.resolve(),
    publish(queue: string, letter: OutgoingMessage) {
      assert.equal(queue, "readings.dead");
      if (refuses(letter)) return Promise.reject(new Error("no broker"));
      letters.push(letter);
      return Promise.resolve();
    },
  };
  const expire = (bounds: Partial<typeof lax>) =>
    expireParkedJob({
      db,
      intervalMs: 1_000,
      deadLetters: Promise.resolve(deadLetters),
      queue: "readings",
      bounds: { ...lax, ...bounds },
      metrics,
      log,
    }).run(signal);
  const counted = async () =>
    (await metrics.deadLetters.get()).values.map(({ labels, value }) => [labels["reason"], value]);
  return { letters, expire, counted };
}

/** Rows that differ, of devices that are not known; the first was parked longest. */
async function park(
  db: Kysely<Database>,
  count: number,
  deviceId = "unknown 🌡",
): Promise<readonly ReadingRow[]> {
  const rows = Array.from({ length: count }, (_, at) =>
    readingRow(deviceId, {
      seconds: noonSeconds + at,
      nanos: 123_456_000 + at,
      temperature: 1 / (at + 3),
      humidity: at === 0 ? 0 : 5e-324,
    }));
  await writeReadings(db, defaultTenant, rows);
  const firstSeconds = (Date.now() - 40 * dayMs) / 1_000;
  // In UTC it depends on no setting, which Citus asks of an update.
  await sql`update parked_readings
    set parked_at = to_timestamp(${firstSeconds}::float8
      + (extract(epoch from "timestamp" at time zone 'UTC')::float8 - ${noonSeconds}::float8) * 86400)
    where device_id = ${deviceId}`.execute(db);
  return rows;
}

const nowMs = (noonSeconds + 100) * 1_000;
const rowsOf = (letters: readonly OutgoingMessage[]) =>
  letters.map(({ body }) => decodeReading(body, nowMs));
const headersOf = (letters: readonly OutgoingMessage[], name: string) =>
  letters.map(({ headers }) => String(headers?.[`x-dead-letter-${name}`]));

eachDatabase("expireParkedJob", {
  async "dead-letters what is parked for too long, exactly as it came, and nothing else"(db) {
    const rows = await park(db, 15);
    const { letters, expire, counted } = job(db);
    assert.equal(await expire({}), "more");
    assert.deepEqual(rowsOf(letters), rows.slice(0, 10));
    assert.deepEqual(new Set(headersOf(letters, "reason")), new Set(["parked_too_long"]));
    assert.match(headersOf(letters, "detail")[0]!, /^parked since 2.*longer than 30d: its device/);
    assert.equal(letters[0]!.contentType, "application/protobuf");
    assert.deepEqual(await counted(), [["parked_too_long", 10]]);
    assert.equal(await countRows(db, "parked_readings"), 5);
    assert.equal(await expire({}), "done");
  },

  async "leaves what is parked for too long by one of both clocks only"(db) {
    // For 40 to 26 days, by the database's clock.
    await park(db, 15);
    const at = (days: number) => () => Date.now() + days * dayMs;
    const take = async (days: number) => (await takeParked(db, lax, 100, at(days))).length;
    assert.equal(await take(-11), 0);
    assert.equal(await take(-5), 5);
    assert.equal(await take(100), 5);
  },

  async "dead-letters the oldest where too many are parked, however long"(db) {
    const rows = await park(db, 9);
    await park(db, 300, "more");
    await sql`update parked_readings set parked_at = now() where device_id = 'more'`.execute(db);
    const { letters, expire, counted } = job(db);
    const bounds = { maxAgeMs: 300 * dayMs, maxReadings: 304 };
    assert.equal(await expire(bounds), "more");
    assert.deepEqual(rowsOf(letters), rows.slice(0, 5));
    assert.match(headersOf(letters, "detail")[0]!, /and more than 304 were: its device/);
    assert.deepEqual(await counted(), [["parked_overflow", 5]]);
    assert.equal(await expire(bounds), "done");
    assert.equal(await countRows(db, "parked_readings"), 304);
  },

  async "leaves alone what can be released, and names what the database refuses"(db) {
    await park(db, 3, "known");
    await sql`insert into iot_devices
      values ('known', '', '', '', '', 0, 0, now(), now())`.execute(db);
    const { letters, expire } = job(db);
    assert.equal(await expire({}), "done");
    await sql`update parked_readings set refused = '23514 picky'`.execute(db);
    assert.equal(await expire({}), "more");
    assert.equal(letters.length, 3);
    assert.match(headersOf(letters, "detail")[0]!, /longer than 30d: 23514 picky$/);
  },

  async "keeps what the broker does not take, and tries it again a minute later"(db) {
    const rows = await park(db, 4);
    const broken = job(db, ({ body }) => decodeReading(body, nowMs).micros === rows[1]!.micros);
    await assert.rejects(broken.expire({}), /no broker/);
    assert.deepEqual(rowsOf(broken.letters), [rows[0], rows[2], rows[3]]);
    assert.deepEqual(await broken.counted(), [["parked_too_long", 3]]);
    const whole = job(db);
    assert.equal(await whole.expire({}), "done");
    await anHourLater(db);
    assert.equal(await whole.expire({}), "more");
    assert.deepEqual(rowsOf(whole.letters), [rows[1]]);
  },

  async "loses and doubles nothing when it ends between the letters and the deletion"(db) {
    const rows = await park(db, 3);
    const taken = await takeParked(db, lax, 100);
    assert.equal(taken.length, 3);
    // Nobody else takes them meanwhile, and they count as gone.
    assert.deepEqual(await takeParked(db, lax, 100), []);
    await anHourLater(db);
    const { letters, expire } = job(db);
    assert.equal(await expire({}), "more");
    assert.equal(letters.length, 3);
    assert.equal(await countRows(db, "parked_readings"), 0);
    // The letters of both, replayed once their device is known.
    await writeDevices(db, defaultTenant, [device(rows[0]!.deviceId)]);
    const replayed = rowsOf([...letters, ...letters]);
    assert.deepEqual(await writeReadings(db, defaultTenant, replayed), { stored: 3, parked: 0 });
    assert.deepEqual(await writeReadings(db, defaultTenant, rows), { stored: 0, parked: 0 });
  },

  async "stores a reading that is released while its letter is under way"(db) {
    const [row] = await park(db, 1);
    let released: Promise<unknown> | undefined;
    const { letters, expire } = job(db, () => {
      released ??= writeDevices(db, defaultTenant, [device(row!.deviceId)]);
      return false;
    });
    await expire({});
    await released;
    assert.deepEqual(rowsOf(letters), [row]);
    assert.equal(await countRows(db, "parked_readings"), 0);
    // The letter is the same reading: its replay changes nothing.
    await writeReadings(db, defaultTenant, rowsOf(letters));
    assert.equal(await countRows(db, "sensor_readings"), 1);
  },
});

Deno.test("expireParkedJob takes nothing before the broker is there, and ends when it is told to", async () => {
  const closing = new AbortController();
  const { run } = expireParkedJob({
    // It would fail to be asked.
    db: Object.create(null),
    intervalMs: 1_000,
    deadLetters: new Promise(() => {}),
    queue: "readings",
    bounds: lax,
    metrics: createIngestMetrics(new Registry()),
    log,
  });
  const running = run(closing.signal);
  const reason = new Error("told to stop");
  closing.abort(reason);
  await assert.rejects(running, reason);
});

eachServer("expireParkedJob of two replicas", {
  async "leaves all to the one that is at it"(db) {
    await park(db, 3);
    const { letters, expire } = job(db);
    await onOneReplica(db, "expire", async () => {
      assert.equal(await expire({ maxReadings: 1 }), "elsewhere");
    });
    assert.deepEqual(letters, []);
    assert.equal(await countRows(db, "parked_readings"), 3);
  },
});

async function anHourLater(db: Kysely<Database>): Promise<void> {
  await sql`update parked_readings set leaving_at = now() - interval '1 hour'
    where leaving_at is not null`.execute(db);
}
