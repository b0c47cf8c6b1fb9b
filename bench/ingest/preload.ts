import { Client } from "pg";
import { ServiceError } from "../../tools/services/service.ts";
import { freeBytes } from "./free_bytes.ts";
import { say, whole } from "./output.ts";
import type { Site } from "./site.ts";

/** Of the table and its index, 160; the rest is for sorting the index. */
const bytesPerRow = 230;
/** The write-ahead log, and what else the machine does. */
const spareBytes = 3 * 2 ** 30;
const chunkRows = 1_000_000;
const loaders = 2;

/**
 * Adds a reading of each device for each second from `fromSeconds` (Unix) until
 * before `untilSeconds`, in the order of time, as if they had been drained long ago: index complete, rows
 * frozen, statistics fresh. Ten million take about a minute, since the
 * constraints, and so the index, are put back only once all rows are there.
 */
export async function preload(
  site: Site,
  { devices, fromSeconds, untilSeconds, signal }: {
    readonly devices: number;
    readonly fromSeconds: number;
    readonly untilSeconds: number;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  if (untilSeconds <= fromSeconds) return;
  const startMs = performance.now();
  await using open = new AsyncDisposableStack();
  const clients: Client[] = [];
  for (let i = 0; i < loaders; i++) clients.push(await connect(open, site, signal));
  const builder = clients[0]!;

  // Not null is a constraint of its own in PostgreSQL 18; it stays.
  const { rows: constraints } = await builder.query<{ name: string; definition: string }>(
    `select quote_ident(conname) as name, pg_get_constraintdef(oid) as definition
     from pg_constraint where conrelid = 'sensor_readings'::regclass and contype in ('p', 'f')`,
  );
  const drops = constraints.map(({ name }) => `drop constraint ${name}`);
  await builder.query(`alter table sensor_readings ${drops.join(", ")}`);
  say(`Adding ${whole((untilSeconds - fromSeconds) * devices)} rows`);
  const chunk = Math.max(1, Math.floor(chunkRows / devices));
  let next = fromSeconds;
  await Promise.all(clients.map(async (client) => {
    while (next < untilSeconds) {
      const first = next;
      next = Math.min(untilSeconds, first + chunk);
      await addSeconds(client, first, next - 1);
    }
  }));
  say("Building the index");
  await builder.query("set maintenance_work_mem = '1GB'");
  for (const { name, definition } of constraints) {
    await builder.query(`alter table sensor_readings add constraint ${name} ${definition}`);
  }
  await builder.query("vacuum (freeze, analyze) sensor_readings");
  const { rows: [size] } = await builder.query<{ table: string; index: string }>(
    `select pg_size_pretty(sum(pg_table_size(relid))) as table,
       pg_size_pretty(sum(pg_indexes_size(relid))) as index
     from pg_partition_tree('sensor_readings')`,
  );
  const seconds = (performance.now() - startMs) / 1_000;
  say(`Took ${seconds.toFixed(0)} s; the table has ${size!.table}, its indexes ${size!.index}`);
}

async function addSeconds(client: Client, first: number, last: number): Promise<void> {
  await client.query(
    `insert into sensor_readings
       (device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level)
     select device_id, to_timestamp(second), hashint8(second),
       20 + second % 100 / 10.0::float8, 45.5, 1013.25, 87.5
     from generate_series($1::int8, $2::int8) second, iot_devices`,
    [first, last],
  );
}

async function connect(
  open: AsyncDisposableStack,
  { databaseUrl }: Site,
  signal: AbortSignal,
): Promise<Client> {
  signal.throwIfAborted();
  const client = new Client({ connectionString: databaseUrl });
  // Statements take minutes, and a stop does not wait for them.
  const end = () => client.end();
  signal.addEventListener("abort", end, { once: true });
  open.defer(end);
  await client.connect();
  return client;
}

/**
 * Looks whether so many rows fit on the disk of the server, if it is on this
 * machine and lets itself be asked.
 *
 * @throws {ServiceError} if they do not.
 */
export async function checkSpace({ pg, databaseUrl }: Site, rows: number): Promise<void> {
  const needed = rows * bytesPerRow + spareBytes;
  const free = await freeBytes(databaseUrl, async () => {
    const { rows } = await pg.query<{ data_directory: string }>("show data_directory");
    return rows[0]!.data_directory;
  });
  if (free !== undefined && free < needed) {
    throw new ServiceError(
      `Cannot store ${whole(rows)} rows: ${gigabytes(free)} are free, and they need ` +
        `${gigabytes(needed)}. Try smaller --tables`,
    );
  }
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
