import assert from "node:assert/strict";
import { PGlite } from "@electric-sql/pglite";
import { upkeep } from "./upkeep.ts";

const redo = "select redo_lsn::text as at from pg_control_checkpoint()";
const dead = "select n_dead_tup::int as rows from pg_stat_user_tables where relname = 'worn'";

Deno.test("upkeep tells the planner of a table that has grown", async () => {
  const pglite = await PGlite.create();
  try {
    await pglite.exec("create table grown as select 7 as tenant from generate_series(1, 2000)");
    await pglite.query("select pg_stat_force_next_flush()");
    const known = async () => {
      const { rows } = await pglite.query("select from pg_stats where tablename = 'grown'");
      return rows.length;
    };
    assert.equal(await known(), 0);
    await upkeep(pglite);
    assert.equal(await known(), 1);
  } finally {
    await pglite.close();
  }
});

Deno.test("upkeep tells the planner of a partition that has grown, and vacuums it", async () => {
  const pglite = await PGlite.create();
  try {
    await pglite.exec(`
      create table days (at int) partition by range (at);
      create table first_day partition of days for values from (0) to (10000);
      create table next_day partition of days for values from (10000) to (20000);
      insert into days select * from generate_series(10000, 12999);
      delete from days where at < 12000`);
    await pglite.query("select pg_stat_force_next_flush()");
    await upkeep(pglite);
    const { rows } = await pglite.query(
      `select s.relname, n_dead_tup::int as dead, reltuples::int as rows
       from pg_stat_user_tables s join pg_class on oid = relid
       where vacuum_count > 0 and analyze_count > 0`,
    );
    assert.deepEqual(rows, [{ relname: "next_day", dead: 0, rows: 1_000 }]);
  } finally {
    await pglite.close();
  }
});

Deno.test("upkeep checkpoints a long log and vacuums a worn table, but not within a transaction", async () => {
  const pglite = await PGlite.create();
  try {
    const only = async <Row>(sql: string) => (await pglite.query<Row>(sql)).rows[0]!;
    await pglite.exec(`
      create table worn as select n, repeat('x', 1000) as filling from generate_series(1, 20000) n;
      update worn set n = n + 1`);
    const before = await only<{ at: string }>(redo);
    // What was counted is told once a second, or when it is asked for.
    await pglite.query("select pg_stat_force_next_flush()");
    assert.equal((await only<{ rows: number }>(dead)).rows, 20_000);

    await pglite.exec("begin");
    await upkeep(pglite);
    await pglite.exec("commit");
    assert.deepEqual(await only(redo), before);

    await upkeep(pglite);
    assert.notDeepEqual(await only(redo), before);
    assert.equal((await only<{ rows: number }>(dead)).rows, 0);

    const after = await only(redo);
    await upkeep(pglite);
    assert.deepEqual(await only(redo), after);
  } finally {
    await pglite.close();
  }
});
