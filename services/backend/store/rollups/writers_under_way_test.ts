import assert from "node:assert/strict";
import { sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { eachServer } from "../../../../tests/support/each_database.ts";
import { device, readingRow } from "../../../../tests/support/store_rows.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { writeReadings } from "../readings/write_readings.ts";
import { writersUnderWay } from "./writers_under_way.ts";

eachServer("writersUnderWay", {
  async "names those who have stored readings until they end, and nobody who only reads"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    const reader = await db.startTransaction().execute();
    await sql`select from sensor_readings`.execute(reader);
    assert.deepEqual(await writersUnderWay(db), new Set());
    const writer = await db.startTransaction().execute();
    await writeReadings(writer, defaultTenant, [readingRow("a")]);
    const first = await writersUnderWay(db);
    assert.equal(first.size, 1);
    assert.equal((await writersUnderWay(writer)).size, 0, "it does not wait for itself");
    await writer.commit().execute();
    assert.deepEqual(await writersUnderWay(db), new Set());
    const next = await db.startTransaction().execute();
    await writeReadings(next, defaultTenant, [readingRow("a", { humidity: 51 })]);
    const second = await writersUnderWay(db);
    assert.equal(second.size, 1);
    assert.deepEqual(second.intersection(first), new Set(), "names are never used again");
    await next.rollback().execute();
    await reader.commit().execute();
  },
});
