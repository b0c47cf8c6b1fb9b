import assert from "node:assert/strict";
import { tempFolder } from "../tools/services/temp_folder.ts";
import { createTestDatabase, postgresUrl } from "./support/postgres.ts";
import { refusal } from "./support/program_output.ts";
import { runTask } from "./support/task_process.ts";

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
  assert.match(refused, /^Cannot undo \d{4}\w+ unasked: it drops .*; say --yes true/);
  assert((await migrate("list")).every((state) => state === "applied"));
  const undone = await migrate("down", "--yes=true");
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
