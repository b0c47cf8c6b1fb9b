import assert from "node:assert/strict";
import { Client } from "pg";
import type { RestartableService } from "../../tools/services/restartable_service.ts";
import { startPostgres } from "../../tools/services/start_postgres.ts";
import { type RabbitmqService, startRabbitmq } from "../../tools/services/start_rabbitmq.ts";
import { RawPublisher } from "./raw_publisher.ts";
import { TcpProxy } from "./tcp_proxy.ts";

const queues = ["device-data", "sensor-data"];

/**
 * A RabbitMQ and a PostgreSQL of one's own, each behind a proxy: what faults are
 * done to, and who can be asked, past the proxies, what came of it.
 */
export class FaultServers implements AsyncDisposable {
  readonly rabbitmq: RabbitmqService;
  readonly postgres: RestartableService;
  /** In front of the broker, for backends and the generator. */
  readonly brokerProxy: TcpProxy;
  readonly databaseProxy: TcpProxy;
  readonly #open: AsyncDisposableStack;

  private constructor(
    open: AsyncDisposableStack,
    parts: Pick<FaultServers, "rabbitmq" | "postgres" | "brokerProxy" | "databaseProxy">,
  ) {
    this.#open = open;
    this.rabbitmq = parts.rabbitmq;
    this.postgres = parts.postgres;
    this.brokerProxy = parts.brokerProxy;
    this.databaseProxy = parts.databaseProxy;
  }

  /**
   * Starts them, with an empty database.
   *
   * @param postgresEnv Variables of PostgreSQL's environment.
   */
  static async open(postgresEnv: Readonly<Record<string, string>> = {}): Promise<FaultServers> {
    await using open = new AsyncDisposableStack();
    const { signal } = new AbortController();
    const rabbitmq = await startRabbitmq(signal);
    assert(rabbitmq !== undefined, "RabbitMQ is not installed: apt-get install rabbitmq-server");
    open.use(rabbitmq);
    // A crash must not take what was committed: the default, which other tests do without.
    const postgres = await startPostgres(signal, {
      settings: { synchronous_commit: "on" },
      env: postgresEnv,
    });
    assert(postgres !== undefined, "PostgreSQL is not installed: apt-get install postgresql");
    open.use(postgres);
    const brokerProxy = open.use(await TcpProxy.open(new URL(rabbitmq.url)));
    const databaseProxy = open.use(await TcpProxy.open(databaseUrl(postgres.url)));
    const parts = { rabbitmq, postgres, brokerProxy, databaseProxy };
    const servers = new FaultServers(open.move(), parts);
    await servers.sql("create database iot_db", "postgres");
    return servers;
  }

  /** Asks PostgreSQL itself, past the proxy. */
  async sql(
    text: string,
    database = "iot_db",
  ): Promise<readonly Readonly<Record<string, unknown>>[]> {
    await using session = await this.session(database);
    return (await session.client.query(text)).rows;
  }

  /** The one number that a query gives. */
  async number(query: string): Promise<number> {
    const [row] = await this.sql(`select (${query})::float8 as n`);
    return row!["n"] as number;
  }

  /** A session past the proxy, for as long as it is not disposed. */
  async session(database = "iot_db"): Promise<AsyncDisposable & { readonly client: Client }> {
    const url = new URL(this.postgres.url);
    url.pathname = `/${database}`;
    const client = new Client({ connectionString: url.href });
    client.on("error", () => {});
    await client.connect();
    return { client, [Symbol.asyncDispose]: () => client.end().catch(() => {}) };
  }

  /** Publishes to the broker itself, past the proxy. */
  async openPublisher(): Promise<RawPublisher> {
    return await RawPublisher.open(this.rabbitmq.url);
  }

  async stored(): Promise<number> {
    return await this.number(`
      select (select count(*) from sensor_readings)
        + (select count(*) from closed_readings)
        + (select coalesce(sum(readings), 0) from sensor_history)`);
  }

  /** Terminates every session of the backends, and what it was at; how many there were. */
  async terminateSessions(): Promise<number> {
    const rows = await this.sql(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity
      where datname = 'iot_db' and application_name = 'iot-backend'`,
      "postgres",
    );
    return rows.length;
  }

  /** Messages that wait in the queues or are in a backend's hands. */
  async queued(): Promise<number> {
    const counted = await this.rabbitmq.control(
      "-q",
      "list_queues",
      "--no-table-headers",
      "name",
      "messages",
    );
    return counted.split("\n").map((line) => line.split("\t"))
      .filter(([name]) => queues.includes(name!))
      .reduce((sum, [, messages]) => sum + Number(messages), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open.disposeAsync();
  }
}

/** The URL of the pipeline's database on the server of `url`. */
export function databaseUrl(server: string): URL {
  const url = new URL(server);
  url.pathname = "/iot_db";
  return url;
}
