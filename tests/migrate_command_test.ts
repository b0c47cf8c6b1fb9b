import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { sql } from "kysely";
import { openDatabase } from "../services/backend/store/connection/open_database.ts";
import { tempFolder } from "../tools/services/temp_folder.ts";
import { citusUrl, createCitusTestDatabase } from "./support/citus.ts";
import { databaseConfig } from "./support/database_config.ts";
import { createTestDatabase, postgresUrl } from "./support/postgres.ts";
import { refusal } from "./support/program_output.ts";
import { untilOneWaits } from "./support/row_lock.ts";
import { runTask, startTask } from "./support/task_process.ts";
import { inTime, waitUntil } from "./support/wait_until.ts";

const log = getLogger("migrate-command-test");

/** What `migrate` does, on the database that the URL names. */
async function migrates(url: string, cwd?: string): Promise<void> {
  const migrate = async (...args: string[]) => {
    const options = { args: [`--db-url=${url}`, ...args], ...(cwd === undefined ? {} : { cwd }) };
    const { code, stdout, stderr } = await runTask("migrate", options);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, "");
    const lines = stdout.split("\n").filter((line) => /^(not applied|\d{4}-)/.test(line));
    return lines.map((line) => line.startsWith("not applied") ? "missing" : "applied");
  };
  const listed = await migrate("list");
  assert(listed.length > 0);
  assert(listed.every((state) => state === "missing"));
  assert((await migrate("up")).every((state) => state === "applied"));
  assert((await migrate()).every((state) => state === "applied"));
  const refused = await refusal("migrate", {
    args: [`--db-url=${url}`, "down"],
    ...(cwd === undefined ? {} : { cwd }),
  });
  assert.match(refused, /^Cannot undo \d{4}\w+ unasked: it drops .*; say --yes if they may go/);
  assert((await migrate("list")).every((state) => state === "applied"));
  const undone = await migrate("down", "--yes");
  assert.equal(undone.at(-1), "missing");
  assert.deepEqual(await migrate("list"), undone);
}

Deno.test("migrate lists, applies and undoes on the embedded database", async () => {
  await using folder = await tempFolder("demo-app-");
  await migrates("pglite://.data/migrate", folder.path);
});

Deno.test({
  name: "migrate lists, applies and undoes on PostgreSQL",
  ignore: postgresUrl === undefined,
  async fn() {
    await using database = await createTestDatabase();
    await migrates(database.url);
  },
});

Deno.test({
  name: "migrate ends when it is told to, though the database has it wait",
  ignore: postgresUrl === undefined,
  async fn() {
    await using server = await createTestDatabase();
    const args = [`--db-url=${server.url}`];
    assert.equal((await runTask("migrate", { args })).code, 0);
    await using database = await openDatabase(databaseConfig(server.url), log);
    await database.db.transaction().execute(async (transaction) => {
      await sql`lock table kysely_migration`.execute(transaction);
      for (const action of ["list", "up", "down"]) {
        await using task = startTask("migrate", { args: [...args, action] });
        await untilOneWaits(database.db);
        task.kill("SIGTERM");
        const { code, stderr } = await inTime(task.ended, `the end of migrate ${action}`);
        assert.deepEqual([code, stderr], [1, "Cannot finish: stopped by SIGTERM\n"]);
        // The server does not notice, while it waits, that its client has gone.
        await waitUntil(async () => {
          const { rows } = await sql`
            select pg_terminate_backend(pid) from pg_locks l join pg_stat_activity a using (pid)
            where not granted and a.datname = current_database()`.execute(database.db);
          return rows.length === 0;
        }, { what: "the session to end" });
      }
    });
  },
});

Deno.test({
  name: "migrate distributes what it has applied, once, on Citus",
  ignore: citusUrl === undefined,
  async fn() {
    await using database = await createCitusTestDatabase();
    const url = `--db-url=${database.url}`;
    assert.match(
      await refusal("migrate", { args: ["distribute", url] }),
      /^Cannot distribute the tables: migrations are missing; say demo-app migrate up first/,
    );
    assert.equal((await runTask("migrate", { args: [url] })).code, 0);
    const distribute = async (...args: string[]) => {
      const { code, stdout, stderr } = await runTask("migrate", { args: ["distribute", ...args] });
      assert.deepEqual([code, stderr], [0, ""]);
      return stdout.split("\n").filter((line) => /^\w+ {2,}/.test(line));
    };
    assert.deepEqual(await distribute(url, "--shards=4"), [
      "tenants           whole on every node",
      "iot_devices       4 shards, by device_id",
      "sensor_readings   4 shards, by device_id",
      "closed_readings   4 shards, by device_id",
      "sensor_history    4 shards, by device_id",
      "staged_history    4 shards, by device_id",
      "parked_readings   4 shards, by device_id",
      "rollups_minute    4 shards, by device_id",
      "rollups_hour      4 shards, by device_id",
      "rollups_day       4 shards, by device_id",
      "rollup_marks      4 shards, by device_id",
    ]);
    assert.deepEqual(
      (await distribute(url))[1],
      "iot_devices       as it was: 4 shards, by device_id",
    );
  },
});
