/**
 * `deno run -A bench/identity_key.ts [postgres://…]`
 *
 * What a reading's identity costs as the primary key: the key that is used,
 * (device_id, timestamp, tie_break), against the measured values themselves,
 * (device_id, timestamp, nanos, temperature, humidity, pressure, battery_level).
 * Both tables are filled in turns, batch by batch, in one run, so that what
 * else the machine does weighs on both. About a minute, in a database of its own.
 */
import process from "node:process";
import { Client } from "pg";
import { tieBreak } from "../services/backend/readings/tie_break.ts";

const server = Deno.args[0] ?? "postgres://postgres@127.0.0.1:5432/postgres";
const devices = 1_000;
const batches = 600;
const rowsABatch = 1_000;
const pageRows = 50;
const longestMs = 50_000;

const measured = ["temperature", "humidity", "pressure", "battery_level"];
const values = measured.map((name) => `${name} double precision not null`).join(", ");
const columns = [`device_id text collate "C" not null`, `"timestamp" timestamptz not null`];

/** The two ways to tell readings apart: their own column, and the key that it makes. */
const contenders = [
  { name: "tie_break", column: "tie_break", type: "bigint", key: ["tie_break"] },
  { name: "all values", column: "nanos", type: "integer", key: ["nanos", ...measured] },
].map((contender, at) => ({ ...contender, table: `readings_${at}`, insertMs: 0 }));

type Contender = typeof contenders[number];

/** A pseudo-random fraction that is the same in every run. */
function noise(seed: number): number {
  let hash = Math.imul(seed + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

/** One reading of every device, as a batch arrives. */
function batchOf(batch: number): string {
  return JSON.stringify(Array.from({ length: rowsABatch }, (_, at) => {
    const [t, h, p, b] = [1, 2, 3, 4].map((of) => noise((batch * rowsABatch + at) * 4 + of));
    const [temperature, humidity] = [t! * 240 - 90, h! * 100];
    const [pressure, battery] = [300 + p! * 800, b! * 100];
    return {
      device_id: `device-${at % devices}`,
      timestamp: new Date(1.7e12 + batch * 5_000).toISOString(),
      nanos: 0,
      tie_break: String(tieBreak(0, [temperature, humidity, pressure, battery])),
      temperature,
      humidity,
      pressure,
      battery_level: battery,
    };
  }));
}

async function insert(client: Client, contender: Contender, json: string): Promise<number> {
  const { table, column, type } = contender;
  const names = ["device_id", `"timestamp"`, column, ...measured].join(", ");
  const startedMs = performance.now();
  const { rowCount } = await client.query({
    name: table,
    text: `insert into ${table} (${names})
      select ${names} from json_to_recordset($1) as r(
        device_id text, "timestamp" timestamptz, ${column} ${type},
        temperature float8, humidity float8, pressure float8, battery_level float8)
      order by device_id, "timestamp" on conflict do nothing`,
    values: [json],
  });
  contender.insertMs += performance.now() - startedMs;
  return rowCount ?? 0;
}

/** Pages of shared buffers that reading the newest page of a device touches. */
async function pageBuffers(client: Client, { table, key }: Contender): Promise<number> {
  const order = [`"timestamp"`, ...key].map((column) => `${column} desc`).join(", ");
  const { rows } = await client.query<{ "QUERY PLAN": string }>(
    `explain (analyze, buffers, costs off, timing off) select * from ${table}
      where device_id = 'device-77' order by ${order} limit ${pageRows}`,
  );
  const line = rows.map((row) => row["QUERY PLAN"]).find((line) => line.includes("Buffers:"));
  const counts = [...line?.matchAll(/(?:hit|read)=(\d+)/g) ?? []].map(([, count]) => Number(count));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function megabytes(client: Client, kind: "table" | "indexes", table: string) {
  const { rows } = await client.query<{ bytes: string }>(
    `select pg_${kind}_size('${table}') as bytes`,
  );
  return Number(rows[0]!.bytes) / 2 ** 20;
}

async function measure(client: Client): Promise<void> {
  for (const { table, column, type, key } of contenders) {
    await client.query(
      `create table ${table} (${columns}, ${column} ${type} not null, ${values},
        primary key (device_id, "timestamp", ${key}))`,
    );
  }
  const startedMs = performance.now();
  let rows = 0;
  for (let batch = 0; batch < batches && performance.now() - startedMs < longestMs; batch++) {
    const json = batchOf(batch);
    // The one that goes first takes turns too.
    for (const contender of batch % 2 === 0 ? contenders : contenders.toReversed()) {
      const inserted = await insert(client, contender, json);
      if (inserted !== rowsABatch) throw new Error(`${contender.name} took ${inserted} rows`);
    }
    rows += rowsABatch;
  }
  const results: Record<string, readonly number[]> = {
    "insert, s": contenders.map(({ insertMs }) => insertMs / 1_000),
    "table, MB": [],
    "index, MB": [],
    [`page of ${pageRows}, buffers`]: [],
    [`the same after vacuum`]: [],
  };
  const each = async (what: string, of: (contender: Contender) => Promise<number>) => {
    results[what] = [await of(contenders[0]!), await of(contenders[1]!)];
  };
  await client.query("analyze");
  await each("table, MB", ({ table }) => megabytes(client, "table", table));
  await each("index, MB", ({ table }) => megabytes(client, "indexes", table));
  await each(`page of ${pageRows}, buffers`, (contender) => pageBuffers(client, contender));
  await client.query("vacuum analyze");
  await each("the same after vacuum", (contender) => pageBuffers(client, contender));
  report(rows, results);
}

function report(rows: number, results: Readonly<Record<string, readonly number[]>>): void {
  const print = (...cells: readonly string[]) =>
    process.stdout.write(
      `${cells[0]!.padEnd(26)}${cells.slice(1).map((cell) => cell.padStart(12)).join("")}\n`,
    );
  print(`${rows.toLocaleString("en")} rows`, ...contenders.map(({ name }) => name), "ratio");
  for (const [what, [one, other]] of Object.entries(results)) {
    print(what, one!.toFixed(2), other!.toFixed(2), (other! / one!).toFixed(2));
  }
}

async function connected<Result>(url: string, use: (client: Client) => Promise<Result>) {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

const name = `bench_identity_key_${process.pid}`;
await connected(server, (client) => client.query(`create database ${name}`));
try {
  const own = new URL(server);
  own.pathname = `/${name}`;
  await connected(own.href, measure);
} finally {
  await connected(server, (client) => client.query(`drop database ${name} with (force)`));
}
