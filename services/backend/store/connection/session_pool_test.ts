import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { Kysely, PostgresDialect, sql } from "kysely";
import { databaseConfig } from "../../../../tests/support/database_config.ts";
import { createTestDatabase, postgresUrl } from "../../../../tests/support/postgres.ts";
import { waitUntil } from "../../../../tests/support/wait_until.ts";
import { SessionPool, type SessionPoolOptions } from "./session_pool.ts";
import { unlimited } from "./session_settings.ts";
import { isTransient, sqlState } from "./write_failure.ts";

const log = getLogger("session-pool-test");

/** A pool of one session of `url`, unless told otherwise. */
function open(url: string, options: Partial<SessionPoolOptions> = {}) {
  const pool = new SessionPool(databaseConfig(url), log, { max: 1, settings: [], ...options });
  return new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
}

async function sessionOf(db: Kysely<unknown>): Promise<number> {
  const { rows: [row] } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
  return row!.pid;
}

function test(name: string, run: (url: string, direct: Kysely<unknown>) => Promise<void>): void {
  Deno.test({
    name: `SessionPool ${name}`,
    ignore: postgresUrl === undefined,
    async fn() {
      await using server = await createTestDatabase();
      await using direct = open(server.url);
      await run(server.url, direct);
    },
  });
}

test("gives up a session that inherited what has been mended since", async (url, direct) => {
  await using pooled = open(url);
  const database = sql.id(new URL(url).pathname.slice(1));
  await sql`create table kept (n int)`.execute(direct);
  // Takes longer than the limit below, on any machine.
  const write = () => sql`insert into kept select 1 from pg_sleep(0.2)`.execute(pooled);
  for (
    const [setting, value, state] of [
      ["default_transaction_read_only", "on", "25006"],
      ["statement_timeout", "100ms", "57014"],
    ] as const
  ) {
    await sql`alter database ${database} set ${sql.raw(`${setting} = '${value}'`)}`.execute(direct);
    // What was set does not reach this session; the next has it.
    await sql`select pg_terminate_backend(${await sessionOf(pooled)})`.execute(direct);
    await assert.rejects(write());
    await assert.rejects(write(), (error) => sqlState(error) === state);
    await sql`alter database ${database} reset ${sql.raw(setting)}`.execute(direct);
    await write();
  }
});

for (const form of ["hex", "escape"]) {
  test(`reads bytes that come in the form ${form}`, async (url, direct) => {
    const database = sql.id(new URL(url).pathname.slice(1));
    await sql`alter database ${database} set bytea_output = ${sql.lit(form)}`.execute(direct);
    await using pooled = open(url);
    const { rows: [row] } = await sql<{ bytes: Uint8Array; none: null; empty: Uint8Array }>`
      select '\\x005c78ff41'::bytea as bytes, null::bytea as none, ''::bytea as empty`
      .execute(pooled);
    assert.deepEqual([...row!.bytes], [0x00, 0x5c, 0x78, 0xff, 0x41]);
    assert.equal(row!.none, null);
    assert.equal(row!.empty.length, 0);
  });
}

test("keeps a session whose statement failed for what a row holds", async (url) => {
  await using pooled = open(url);
  const before = await sessionOf(pooled);
  await assert.rejects(sql`select '0 '::text::int / 0`.execute(pooled), { code: "22012" });
  assert.equal(await sessionOf(pooled), before);
  await assert.rejects(sql`select from missing`.execute(pooled), { code: "42P01" });
  assert.notEqual(await sessionOf(pooled), before);
});

test("gives up a connection that is silent for too long, and makes another", async (url) => {
  await using pooled = open(url, { silenceMs: 300 });
  await assert.rejects(sql`select pg_sleep(3600)`.execute(pooled), (error) => {
    assert.match(String(error), /the database was silent for 300 ms/);
    return isTransient(error);
  });
  // A busy server may need longer than that to begin a session, too.
  await waitUntil(() => sessionOf(pooled), { what: "another session" });
});

test("sets a limit where the role has none, or a lower one where it has", async (url, direct) => {
  const database = sql.id(new URL(url).pathname.slice(1));
  await sql`alter database ${database} set statement_timeout = '7s'`.execute(direct);
  const limits = async (settings: SessionPoolOptions["settings"]) => {
    await using pooled = open(url, { settings });
    const { rows: [row] } = await sql<{ statement: string; lock: string }>`
      select current_setting('statement_timeout') as statement,
        current_setting('lock_timeout') as lock`.execute(pooled);
    return [row!.statement, row!.lock];
  };
  const name = "statement_timeout";
  assert.deepEqual(await limits([{ name, value: 5_000, rule: "at_most" }]), ["5s", "0"]);
  assert.deepEqual(await limits([{ name, value: 9_000, rule: "at_most" }]), ["7s", "0"]);
  assert.deepEqual(await limits([{ name, value: 5_000, rule: "unless_set" }]), ["7s", "0"]);
  assert.deepEqual(
    await limits([
      { name: "lock_timeout", value: 5_000, rule: "unless_set" },
      { name: "of_a_later_server", value: 1, rule: "always" },
    ]),
    ["7s", "5s"],
  );
  assert.deepEqual(await limits(unlimited), ["0", "0"]);
});
