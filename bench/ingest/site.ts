import { getLogger } from "@logtape/logtape";
import { type Channel, type ChannelModel, connect } from "amqplib";
import { Client } from "pg";
import { deadLetterQueue } from "#shared/broker/port/broker.ts";
import { openDatabase } from "../../services/backend/store/connection/open_database.ts";
import { distributeTables } from "../../services/backend/store/schema/distribute.ts";
import { migrateToLatest } from "../../services/backend/store/schema/migrate.ts";
import { createCitusDatabase } from "../../tools/services/citus_database.ts";
import { neededServices } from "../../tools/services/needed_services.ts";
import { obtainService } from "../../tools/services/obtain_service.ts";
import { runningService, type Service, ServiceError } from "../../tools/services/service.ts";
import { durableSettings, startPostgres } from "../../tools/services/start_postgres.ts";
import type { CitusOptions } from "./options.ts";
import { fleet } from "./workload.ts";

/** Where it is measured: servers, and a database and queues that nobody else uses. */
export interface Site {
  readonly amqpUrl: string;
  readonly postgresUrl: string;
  readonly databaseUrl: string;
  /** Whether the tables lie on more servers than that of the URL. */
  readonly distributed: boolean;
  readonly sensorQueue: string;
  readonly deviceQueue: string;
  readonly pg: Client;
  readonly broker: ChannelModel;
  readonly channel: Channel;
  readonly origins: string;
}

/** Opens the site; disposing removes its database and queues, and servers that were started. */
export async function openSite(
  open: AsyncDisposableStack,
  { ownServices, citus, signal, say }: {
    readonly ownServices: boolean;
    readonly citus?: CitusOptions | undefined;
    readonly signal: AbortSignal;
    readonly say: (line: string) => void;
  },
): Promise<Site> {
  const obtained: Record<string, Service> = {};
  for (const needed of neededServices) {
    if (needed.name === "PostgreSQL" && citus !== undefined) {
      obtained[needed.name] = runningService(citus.url, await describeCitus(citus));
      continue;
    }
    const service = await obtainService(
      needed.name === "PostgreSQL"
        ? {
          ...needed,
          startInstalled: (signal) => startPostgres(signal, { settings: durableSettings }),
        }
        : needed,
      { environment: Deno.env.toObject(), ownServices, signal, warn: say },
    );
    if (service === undefined) {
      throw new ServiceError(`No ${needed.name}. Try: ${needed.supply.join(", or: ")}`);
    }
    obtained[needed.name] = open.use(service);
  }
  // Both are there: the loop threw otherwise.
  const [postgres, rabbitmq] = [obtained["PostgreSQL"]!, obtained["RabbitMQ"]!];

  const id = crypto.randomUUID().slice(0, 8);
  const database = await openOwnDatabase(open, postgres.url, citus);
  const broker = await connect(rabbitmq.url);
  open.defer(() => broker.close());
  const channel = await broker.createChannel();
  const [sensorQueue, deviceQueue] = [`bench-sensor-${id}`, `bench-device-${id}`];
  const queues = [sensorQueue, deviceQueue].flatMap((name) => [name, deadLetterQueue(name)]);
  for (const queue of queues) await channel.assertQueue(queue, { durable: true });
  open.defer(async () => {
    for (const queue of queues) await channel.deleteQueue(queue);
  });
  return {
    amqpUrl: rabbitmq.url,
    postgresUrl: postgres.url,
    ...database,
    distributed: citus !== undefined,
    sensorQueue,
    deviceQueue,
    broker,
    channel,
    origins: `PostgreSQL: ${postgres.origin}; RabbitMQ: ${rabbitmq.origin}`,
  };
}

async function describeCitus({ url, shards }: CitusOptions): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows: [nodes] } = await client.query<{ storing: number }>(
    "select count(*)::int as storing from pg_dist_node where shouldhaveshards",
  ).finally(() => client.end());
  return `Citus, ${shards} shards, nodes that store: ${nodes!.storing}`;
}

/** The same site but for another database of its own. */
export async function withOwnDatabase(open: AsyncDisposableStack, site: Site): Promise<Site> {
  return { ...site, ...await openOwnDatabase(open, site.postgresUrl) };
}

async function openOwnDatabase(
  open: AsyncDisposableStack,
  server: string,
  citus?: CitusOptions,
): Promise<Pick<Site, "databaseUrl" | "pg">> {
  const name = `bench_${crypto.randomUUID().slice(0, 8)}`;
  const databaseUrl = citus === undefined
    ? await createDatabase(open, server, name)
    : open.use(await createCitusDatabase(citus.url, name)).url;
  await createTables(databaseUrl, citus);
  const pg = new Client({ connectionString: databaseUrl });
  await pg.connect();
  open.defer(() => pg.end());
  // It would fall into some drains and not into others: they begin with all of it done.
  for (const table of [...await partitionsOf(pg), "iot_devices"]) {
    await pg.query(`alter table ${table} set (autovacuum_enabled = off)`);
  }
  return { databaseUrl, pg };
}

async function partitionsOf(pg: Client): Promise<readonly string[]> {
  const { rows } = await pg.query<{ name: string }>(
    "select relid::text as name from pg_partition_tree('sensor_readings') where isleaf",
  );
  return rows.map(({ name }) => name);
}

async function createDatabase(
  open: AsyncDisposableStack,
  server: string,
  name: string,
): Promise<string> {
  const execute = async (sql: string) => {
    const client = new Client({ connectionString: server });
    await client.connect();
    await client.query(sql).finally(() => client.end());
  };
  await execute(`create database ${name}`);
  open.defer(() => execute(`drop database if exists ${name} with (force)`));
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function createTables(databaseUrl: string, citus: CitusOptions | undefined): Promise<void> {
  const log = getLogger("bench");
  await using database = await openDatabase({
    url: new URL(databaseUrl),
    host: "",
    port: 0,
    user: "",
    password: "",
    database: "",
    maxConnections: 2,
  }, log);
  await migrateToLatest(database.db, log);
  if (citus !== undefined) await distributeTables(database.db, citus.shards);
}

/** Empty tables but for the devices, at rest: what an earlier run left to do is done. */
export async function resetTables({ pg }: Site, devices: number): Promise<void> {
  // With all that refers to devices.
  await pg.query("truncate parked_readings, iot_devices cascade");
  const chunk = 10_000;
  for (let from = 0; from < devices; from += chunk) {
    const rows = Array.from({ length: Math.min(chunk, devices - from) }, (_, i) => {
      const { deviceId, location, firmware } = fleet.device(from + i, 0);
      return { deviceId, location, firmware };
    });
    await pg.query(
      `insert into iot_devices
       select "deviceId", location, '', '', firmware, 0, 0, 'epoch', 'epoch'
       from json_to_recordset($1) as r("deviceId" text, location text, firmware text)`,
      [JSON.stringify(rows)],
    );
  }
  await settle({ pg });
}

/** Keeps the readings, and leaves the rest as `resetTables` does. */
export async function restTables({ pg }: Site): Promise<void> {
  await pg.query("update iot_devices set last_seen = 'epoch'");
  await pg.query("vacuum full iot_devices");
  await settle({ pg });
}

async function settle({ pg }: Pick<Site, "pg">): Promise<void> {
  await pg.query("vacuum analyze iot_devices, sensor_readings");
  await checkpoint({ pg });
}

/** Refused to roles that are no superuser; the figures are then a little less even. */
export async function checkpoint({ pg }: Pick<Site, "pg">): Promise<void> {
  await pg.query("checkpoint").catch(() => {});
}
