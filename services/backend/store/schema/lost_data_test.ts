import assert from "node:assert/strict";
import { sql } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { eachDatabase, postgresTest } from "../../../../tests/support/each_database.ts";
import { device } from "../../../../tests/support/store_rows.ts";
import { writeDevices } from "../devices/write_devices.ts";
import { findLostData, tryOut } from "./lost_data.ts";

eachDatabase("findLostData", {
  async "names the tables that undoing a migration drops, and changes nothing"(db) {
    const lost = await findLostData(db, "0003_parked_readings");
    assert.deepEqual(lost, [{ table: "parked_readings", columns: undefined, rows: 0 }]);
    assert.deepEqual(await findLostData(db, "0003_parked_readings"), lost);
  },

  async "names the columns that go, with the rows that have them"(db) {
    await writeDevices(db, defaultTenant, [device("a"), device("b")]);
    const lost = await tryOut(db, async (trial) => {
      await sql`alter table iot_devices drop column firmware, drop column location`.execute(trial);
      await sql`drop index idx_last_seen`.execute(trial);
    });
    assert.deepEqual(lost, [{ table: "iot_devices", columns: ["location", "firmware"], rows: 2 }]);
  },

  async "leaves a transaction that failed"(db) {
    await assert.rejects(tryOut(db, async (trial) => void await sql`drop it`.execute(trial)));
    assert.deepEqual(await tryOut(db, () => Promise.resolve()), []);
  },
});

postgresTest("findLostData beside others", {
  async "neither waits for writers nor has them wait where only rows are rewritten"(db) {
    await db.transaction().execute(async (writer) => {
      await sql`lock table sensor_readings in row exclusive mode`.execute(writer);
      assert.deepEqual(await findLostData(db, "0005_mixed_tie_breaks"), []);
    });
  },
});

postgresTest("findLostData of many rows", {
  async "estimates them, of partitions too"(db) {
    await sql`create table parts (id integer not null) partition by range (id)`.execute(db);
    for (const [name, from, to] of [["low", 0, 80_000], ["high", 80_000, 200_000]] as const) {
      // Nobody else may analyze them meanwhile.
      await sql`
        create table ${sql.table(name)} partition of parts
        for values from (${sql.lit(from)}) to (${sql.lit(to)})
        with (autovacuum_enabled = false)`.execute(db);
    }
    await sql`insert into parts select generate_series(0, 149999)`.execute(db);
    const rowsOf = async () =>
      (await tryOut(db, async (trial) => void await sql`drop table parts`.execute(trial)))[0]?.rows;
    assert.equal(await rowsOf(), 100_001);
    await sql`analyze low, high`.execute(db);
    assert.equal(await rowsOf(), 150_000);
  },
});
