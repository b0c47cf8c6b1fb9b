import assert from "node:assert/strict";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { tempPglite } from "../../../../tests/support/temp_pglite.ts";
import { tempFolder } from "../../../../tools/services/temp_folder.ts";
import { PgliteSession } from "./pglite_session.ts";

const folderOf = (url: string) => url.replace("pglite://", "");
const fill = "insert into kept select n, repeat('x', 1000) from generate_series(1, 1000) n";

Deno.test("PgliteSession fails what waits when its server ends, and the next one has what was stored", async () => {
  await using temporary = await tempPglite();
  const folder = folderOf(temporary.url);
  let stored = 0;
  {
    await using session = await PgliteSession.open(folder);
    await session.query("create table kept (n int, filling text)");
    // The log cannot go on, as on a full disk.
    await Deno.rename(`${folder}/pg_wal`, `${folder}/away`);
    const filling = async () => {
      for (;; stored++) await session.query(fill);
    };
    const ended = (error: unknown) =>
      error instanceof ExitError && /has stopped: .*pg_wal.*: start again/.test(error.message);
    await assert.rejects(Promise.all([filling(), session.query(fill)]), ended);
    await assert.rejects(session.broken, ended);
    await assert.rejects(session.query("begin"), ended);
  }
  await Deno.rename(`${folder}/away`, `${folder}/pg_wal`);
  await using again = await PgliteSession.open(folder);
  const { rows: [found] } = await again.query("select count(*)::int as rows from kept");
  const { rows } = found as { readonly rows: number };
  assert.ok(rows >= stored * 1_000, `${rows} rows of ${stored} times 1000`);
});

Deno.test("PgliteSession leaves the process free while a statement runs", async () => {
  await using temporary = await tempPglite();
  await using session = await PgliteSession.open(folderOf(temporary.url));
  // On a busy machine the process may get its turn late: once is enough.
  let free = false;
  for (let tries = 0; !free && tries < 20; tries++) {
    let answered = false;
    const slow = session.query("select count(*) from generate_series(1, 2000000)")
      .finally(() => answered = true);
    await new Promise((resolve) => setTimeout(resolve));
    free = !answered;
    await slow;
  }
  assert.ok(free);
});

Deno.test("PgliteSession makes a database whole or not at all", async () => {
  await using temporary = await tempFolder("demo-app-pglite-");
  const folder = `${temporary.path}/data`;
  // What a start leaves behind that was killed, or found no room.
  await Deno.mkdir(`${folder}.new/base`, { recursive: true });
  await Deno.writeTextFile(`${folder}.new/PG_VERSION`, "18\n");
  await Deno.mkdir(folder);
  {
    await using session = await PgliteSession.open(folder);
    await session.query("create table kept (n int)");
  }
  await assert.rejects(Deno.lstat(`${folder}.new`), Deno.errors.NotFound);
  await using again = await PgliteSession.open(folder);
  await again.query("insert into kept values (1)");

  await Deno.mkdir(`${folder}-of-another`);
  await Deno.writeTextFile(`${folder}-of-another/notes`, "mine");
  await assert.rejects(PgliteSession.open(`${folder}-of-another`), /no database; choose another/);
  assert.equal(await Deno.readTextFile(`${folder}-of-another/notes`), "mine");
  await assert.rejects(Deno.lstat(`${folder}-of-another.new`), Deno.errors.NotFound);
});

Deno.test("PgliteSession gives each caller its own answer, whatever another one asked", async () => {
  await using temporary = await tempPglite();
  await using session = await PgliteSession.open(folderOf(temporary.url));
  await assert.rejects(session.query("select $1", [() => "no parameter"]));
  const answers = [1, 2].map((n) => session.query(`select ${n} as n`));
  assert.deepEqual((await answers[0])?.rows, [{ n: 1 }]);
  assert.deepEqual((await answers[1])?.rows, [{ n: 2 }]);
});
