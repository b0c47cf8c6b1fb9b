import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { type Kysely, sql } from "kysely";
import { createRegistry } from "#shared/observability/runtime_metrics.ts";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { databaseConfig } from "../../../../tests/support/database_config.ts";
import {
  areContiguous,
  daysAgo,
  loseDays,
  openDays,
  placesOf,
  rowsAt,
} from "../../../../tests/support/days.ts";
import { eachDatabase, eachServer } from "../../../../tests/support/each_database.ts";
import { inTurn } from "../../../../tests/support/in_turn.ts";
import { createTestDatabase, postgresUrl } from "../../../../tests/support/postgres.ts";
import { countRows, device } from "../../../../tests/support/store_rows.ts";
import { unmarked } from "../../../../tests/support/unmarked.ts";
import { createIngestMetrics } from "../../ingest/ingest_metrics.ts";
import { releaseParkedJob } from "../../jobs/release_parked.ts";
import { openDatabase } from "../connection/open_database.ts";
import { writeFailure } from "../connection/write_failure.ts";
import type { Database } from "../database.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { releaseParked } from "../parked/release_parked.ts";
import { writeReadings } from "../readings/write_readings.ts";
import { migrateToLatest } from "../schema/migrate.ts";
import { dayMicros } from "./days.ts";
import { listPartitions } from "./list_partitions.ts";
import { makeDays } from "./make_days.ts";

const log = getLogger("with-partitions-test");

const years = 730;

/** A reading a year ago, one of now, and the newest that is accepted. */
function spread(deviceId: string) {
  return [daysAgo(years + 1), daysAgo(365), daysAgo(0), daysAgo(-1) - 1]
    .flatMap((micros) => rowsAt(deviceId, micros));
}

/** Readings that are parked though their device is known by now, as after a race. */
async function parkOfKnown(
  db: Kysely<Database>,
  rows: Parameters<typeof writeReadings>[2],
): Promise<void> {
  await writeReadings(db, defaultTenant, rows);
  await sql`create table kept as select * from parked_readings`.execute(db);
  await sql`truncate parked_readings`.execute(db);
  await writeDevices(db, defaultTenant, [device(rows[0]!.deviceId)]);
  await sql`insert into parked_readings select * from kept`.execute(db);
  await sql`drop table kept`.execute(db);
}

async function isWhole(db: Kysely<Database>): Promise<void> {
  const partitions = await listPartitions(db, "sensor_readings");
  assert.ok(areContiguous(partitions));
  assert.ok(partitions.length < 40, `${partitions.length} partitions`);
}

eachDatabase("A reading whose partition is missing", {
  async "is stored, however long no backend has run"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    await loseDays(db, daysAgo(years));
    const rows = spread("a");
    assert.deepEqual(await writeReadings(db, defaultTenant, rows), { stored: 4, parked: 0 });
    assert.deepEqual(await writeReadings(db, defaultTenant, rows), { stored: 0, parked: 0 });
    assert.deepEqual(await placesOf(db), { closed: 0, older: 1, open: 3 });
    await isWhole(db);
  },

  async "is stored beside readings of devices that are not known"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    await loseDays(db, daysAgo(years));
    const rows = [...spread("a"), ...spread("x")];
    assert.deepEqual(await writeReadings(db, defaultTenant, rows), { stored: 4, parked: 4 });
    await isWhole(db);
  },

  async "is released with its device"(db) {
    await writeReadings(db, defaultTenant, spread("a"));
    await loseDays(db, daysAgo(years));
    assert.equal((await writeDevices(db, defaultTenant, [device("a")])).moved, 4);
    await isWhole(db);
  },

  async "is released by the job, and by who asks for it"(db) {
    await loseDays(db, daysAgo(years));
    await parkOfKnown(db, spread("a"));
    const metrics = createIngestMetrics(createRegistry("backend"));
    const job = releaseParkedJob({ db, intervalMs: 1, lagging: unmarked(), metrics, log });
    assert.equal(await job.run(new AbortController().signal), "more");
    assert.equal((await placesOf(db)).open, 3);
    await isWhole(db);

    await loseDays(db, daysAgo(years));
    await parkOfKnown(db, spread("b"));
    assert.equal((await releaseParked(db, defaultTenant, ["b"], 100)).moved, 4);
    await isWhole(db);
  },

  async "is released though the clock that it was accepted by was years ahead"(db) {
    await loseDays(db, daysAgo(1));
    await writeReadings(db, defaultTenant, rowsAt("a", daysAgo(-years)));
    assert.equal((await writeDevices(db, defaultTenant, [device("a")])).moved, 1);
    assert.ok(areContiguous(await listPartitions(db, "sensor_readings")));
    // The days that follow have partitions of their own nevertheless.
    const [, ...next] = await openDays(db);
    const soon = next.filter(({ fromMicros }) => fromMicros < daysAgo(-60));
    assert.ok(soon.every((day) => day.untilMicros - day.fromMicros === dayMicros));
    await loseDays(db, daysAgo(1));
  },
});

eachServer("A reading whose partition several miss at once", {
  async "is stored by each of them"(db) {
    const ids = ["a", "b", "c", "d"];
    await writeDevices(db, defaultTenant, ids.map((id) => device(id)));
    await loseDays(db, daysAgo(2));
    const written = await Promise.all(
      ids.map((id) => inTurn(() => writeReadings(db, defaultTenant, rowsAt(id, daysAgo(0), 3)))),
    );
    assert.deepEqual(written, ids.map(() => ({ stored: 3, parked: 0 })));
    await isWhole(db);
  },
});

Deno.test({
  name: "A reading whose partition is missing waits for who may make it, and no row is to blame",
  ignore: postgresUrl === undefined,
  async fn() {
    await using server = await createTestDatabase();
    await using owner = await openDatabase(databaseConfig(server.url), log);
    const { db } = owner;
    await migrateToLatest(db, log);
    await writeDevices(db, defaultTenant, [device("a")]);
    await writeReadings(db, defaultTenant, rowsAt("b", daysAgo(0)));
    const role = `writer_${crypto.randomUUID().replaceAll("-", "")}`;
    await sql`create role ${sql.id(role)} login password 'secret'`.execute(db);
    try {
      await sql`grant all on all tables in schema public to ${sql.id(role)}`.execute(db);
      await loseDays(db, daysAgo(2));
      const url = new URL(server.url);
      url.username = role;
      url.password = "secret";
      {
        await using writer = await openDatabase(databaseConfig(url.href), log);
        const rows = rowsAt("a", daysAgo(0), 3);
        const denied = (error: unknown) => {
          assert.equal(writeFailure(error), "repair", String(error));
          return true;
        };
        await assert.rejects(writeReadings(writer.db, defaultTenant, rows), denied);
        await assert.rejects(writeDevices(writer.db, defaultTenant, [device("b")]), denied);
        assert.equal(await countRows(db, "parked_readings"), 1);
        await makeDays(db, daysAgo(-1));
        assert.equal((await writeReadings(writer.db, defaultTenant, rows)).stored, 3);
        assert.equal((await writeDevices(writer.db, defaultTenant, [device("b")])).moved, 1);
      }
    } finally {
      await sql`drop owned by ${sql.id(role)}`.execute(db);
      await sql`drop role ${sql.id(role)}`.execute(db);
    }
  },
});
