import assert from "node:assert/strict";
import { tempFolder } from "../../tools/services/temp_folder.ts";
import { readDayFile } from "../../services/backend/archive/read_day_file.ts";
import { databaseUrl, FaultServers } from "./fault_servers.ts";
import { startTask, type TaskProcess } from "./task_process.ts";
import { surelyBrokenMs, waitUntil } from "./wait_until.ts";

export interface FaultRunOptions {
  readonly devices: number;
  /** How fast the generator publishes them. */
  readonly perSecond: number;
  /** Parameters of the broker's URL. */
  readonly brokerQuery?: string;
  /** Whom the backends connect to the database as; the server's own superuser unless given. */
  readonly databaseRole?: string;
  /** Variables of PostgreSQL's environment. */
  readonly postgresEnv?: Readonly<Record<string, string>>;
  /** Settings of the backends, by variable. */
  readonly backendEnv?: Readonly<Record<string, string>>;
}

/** What is to be there once the run has ended. */
export interface Expected {
  /** Readings of the run, at least. */
  readonly readings?: number;
  /** Rollups that tell of the run, at least. */
  readonly rollups?: number;
  readonly deadLetters?: number;
  readonly parked?: number;
}

/** Longest that a run may stand still, in milliseconds. */
const stillMs = surelyBrokenMs;
export const seed = 7;

/**
 * A pipeline of real processes on servers of its own: a generator and backends,
 * started and ended at will, and the proof that the run came through.
 */
export class FaultRun implements AsyncDisposable {
  readonly servers: FaultServers;
  /** Those that run, oldest first; and every one that ever ran. */
  readonly backends: TaskProcess[] = [];
  readonly everyBackend: TaskProcess[] = [];
  readonly #options: FaultRunOptions;
  readonly #open: AsyncDisposableStack;
  readonly #folder: string;
  #generator: TaskProcess | undefined;
  /** A backend that nobody ended. */
  #died: Error | undefined;

  private constructor(
    options: FaultRunOptions,
    open: AsyncDisposableStack,
    folder: string,
    servers: FaultServers,
  ) {
    this.#options = options;
    this.#open = open;
    this.#folder = folder;
    this.servers = servers;
  }

  /** Starts the servers; services are started one by one. */
  static async open(options: FaultRunOptions): Promise<FaultRun> {
    await using open = new AsyncDisposableStack();
    const { path } = open.use(await tempFolder("demo-app-faults-"));
    const servers = open.use(await FaultServers.open(options.postgresEnv));
    return new FaultRun(options, open.move(), path, servers);
  }

  /** Starts a backend, and resolves once it is ready; `env` for this one alone. */
  async startBackend(env: Readonly<Record<string, string>> = {}): Promise<TaskProcess> {
    const backend = this.#open.use(startTask("backend", {
      env: {
        APP_BACKEND_DB_URL: this.#databaseUrl(),
        APP_BACKEND_RABBITMQ_URL: this.#brokerUrl(),
        APP_BACKEND_INGEST_BATCH_SIZE: "200",
        APP_BACKEND_HOST: "127.0.0.1",
        APP_BACKEND_GRPC_PORT: "0",
        APP_BACKEND_METRICS_PORT: "0",
        ...this.#options.backendEnv,
        ...env,
      },
      grants: [`--allow-write=${this.#folder}`],
    }));
    this.backends.push(backend);
    this.everyBackend.push(backend);
    backend.ended.then(({ code, signal }) => {
      if (!this.backends.includes(backend)) return;
      const words = backend.output().slice(-3_000);
      this.#died ??= new Error(`A backend ended by itself, ${signal ?? code}:\n${words}`);
    });
    await backend.printed(/Backend is ready/);
    return backend;
  }

  /** @throws {Error} with its last words, if a backend has ended that nobody ended. */
  checkAlive(): void {
    if (this.#died !== undefined) throw this.#died;
  }

  /** Ends a backend and forgets it; resolves to how it ended. */
  async endBackend(backend: TaskProcess, signal: Deno.Signal): Promise<Deno.CommandStatus> {
    this.backends.splice(this.backends.indexOf(backend), 1);
    backend.kill(signal);
    return await backend.ended;
  }

  /** Starts the generator, or starts it again: then it goes on where it was. */
  startGenerator(): TaskProcess {
    const { devices, perSecond } = this.#options;
    return this.#generator = this.#open.use(startTask("generator", {
      env: {
        APP_GENERATOR_RABBITMQ_URL: this.#brokerUrl(),
        APP_GENERATOR_HOST: "127.0.0.1",
        APP_GENERATOR_METRICS_PORT: "0",
      },
      args: [
        `--num-devices=${devices}`,
        `--interval=${Math.round(devices / perSecond * 1_000)}ms`,
        `--seed=${seed}`,
        `--manifest=${this.manifest}`,
      ],
      grants: [`--allow-write=${this.#folder}`],
    }));
  }

  /** Waits until so many more readings are stored than now: the moment for the next fault. */
  async flows(more: number): Promise<void> {
    await this.stores(await this.servers.stored() + more);
  }

  /** Waits until so many readings are stored, and as long as there is progress. */
  async stores(target: number): Promise<void> {
    let best = -1;
    let bestMs = performance.now();
    await waitUntil(async () => {
      const stored = await this.servers.stored();
      if (stored > best) [best, bestMs] = [stored, performance.now()];
      if (performance.now() - bestMs > stillMs || this.#died !== undefined) return true;
      return stored >= target;
    }, { deadlineMs: 10 * stillMs, what: `${target} readings to be stored` });
    this.checkAlive();
    assert(best >= target, `No reading stored in ${stillMs} ms, after ${best} of ${target}`);
  }

  /** Stops the generator, if any; its manifest then speaks for all that it sent. */
  async stopGenerator(): Promise<void> {
    const generator = this.#generator;
    if (generator === undefined) return;
    generator.kill("SIGTERM");
    assert.equal((await generator.ended).code, 0, generator.output());
  }

  /**
   * Ends the run in good order, and proves that nothing of it is lost or
   * doubled, and that beside it there is what else is expected.
   */
  async finish(
    { readings = 1, rollups = 0, deadLetters = 0, parked = 0 }: Expected = {},
  ): Promise<void> {
    await this.stores(readings);
    this.checkAlive();
    await this.stopGenerator();
    await this.drained();
    for (const backend of [...this.backends]) {
      const { code } = await this.endBackend(backend, "SIGTERM");
      assert.equal(code, 0, backend.output());
    }
    await using verify = startTask("demo-app", {
      args: [
        "verify",
        `--manifest=${this.manifest}`,
        "--format=json",
        `--db-url=${databaseUrl(this.servers.postgres.url)}`,
        `--rabbitmq-url=${this.servers.rabbitmq.url}`,
      ],
    });
    const { code } = await verify.ended;
    assert.equal(code, 0, verify.output());
    const found = JSON.parse(verify.output().trim().split("\n").at(-1)!);
    assert(found.readings.expected >= readings, verify.output());
    assert(found.rollups.matched >= rollups, verify.output());
    assert.equal(found.parked_in_all, parked);
    assert.deepEqual(found.queues, {
      "device-data": 0,
      "sensor-data": 0,
      "device-data.dead": 0,
      "sensor-data.dead": deadLetters,
    });
  }

  /** Waits until the queues hold nothing, and no backend has anything in hand. */
  async drained(): Promise<void> {
    await waitUntil(async () => await this.servers.queued() === 0, {
      what: "the queues to be empty",
    });
  }

  /**
   * Has a backend do what it does by itself until it waits for a lock on a table
   * that it is about to write to, and kills it then.
   *
   * @param undone Whether what it has sent is rolled back, or may still be committed.
   */
  async killWhileWriting(
    table: string,
    { env, undone, meanwhile = () => Promise.resolve() }: {
      readonly env?: Readonly<Record<string, string>>;
      readonly undone: boolean;
      /** Done once the backend is ready. */
      readonly meanwhile?: () => Promise<void>;
    },
  ): Promise<void> {
    await using locker = await this.servers.session();
    await locker.client.query("begin");
    await locker.client.query(`lock table ${table} in exclusive mode`);
    const backend = await this.startBackend(env);
    await meanwhile();
    await waitUntil(async () => {
      const waiting = await this.servers.sql(
        `select from pg_locks where not granted and relation = '${table}'::regclass`,
      );
      return waiting.length > 0;
    }, { what: `a backend to write to ${table}` });
    await this.endBackend(backend, "SIGKILL");
    if (undone) await this.servers.terminateSessions();
    await locker.client.query("rollback");
  }

  /** Runs a command on the run's database, which must succeed. */
  async demoApp(...args: readonly string[]): Promise<void> {
    await using task = startTask("demo-app", {
      args: [...args, `--db-url=${databaseUrl(this.servers.postgres.url)}`],
      grants: [`--allow-write=${this.#folder}`],
    });
    assert.equal((await task.ended).code, 0, task.output());
  }

  /** Waits until rollups tell of all that is there. */
  async rolledUp(): Promise<void> {
    await waitUntil(async () => {
      const [row] = await this.servers.sql(`
        select rolled_until > now() - interval '2 hours'
          and not exists (select from rollup_marks where hour < rolled_until) as rolled
        from reading_progress`);
      return row!["rolled"];
    }, { what: "the readings to be rolled up", deadlineMs: 10 * surelyBrokenMs });
  }

  /** Names of what is in the archive's folder, in order. */
  async archiveNames(): Promise<readonly string[]> {
    try {
      return (await Array.fromAsync(Deno.readDir(this.archive), ({ name }) => name)).sort();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  /** How many readings are in the archive. */
  async archived(): Promise<number> {
    let readings = 0;
    for (const name of await this.archiveNames()) {
      for await (const { deviceIds } of readDayFile(`${this.archive}/${name}`)) {
        readings += deviceIds.length;
      }
    }
    return readings;
  }

  /** What the run consists of; the generator's to write, unless it is published in another way. */
  get manifest(): string {
    return `${this.#folder}/run.yaml`;
  }

  /** Where backends may write to. */
  get archive(): string {
    return `${this.#folder}/archive`;
  }

  #databaseUrl(): string {
    const { url } = this.servers.databaseProxy;
    url.username = this.#options.databaseRole ?? url.username;
    return url.href;
  }

  #brokerUrl(): string {
    const { url } = this.servers.brokerProxy;
    url.search = this.#options.brokerQuery ?? "";
    return url.href;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open.disposeAsync();
  }
}
