import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import denoConfig from "../../deno.json" with { type: "json" };
import { backendSettings } from "../../services/backend/config.ts";
import type { Site } from "./site.ts";

/** A process that drains the queue, started anew for each drain. */
export interface Contender {
  readonly name: string;
  /** How it is known that the last reading is through. */
  readonly until: "committed" | "done";
  readonly start: (site: Site, readings: number) => Running;
}

export interface Running extends AsyncDisposable {
  readonly pid: number;
  /**
   * Resolves to all that it has printed once `word` is in it.
   *
   * @throws {Error} with all it printed, if it ends before.
   */
  printed(word: string): Promise<string>;
  /** @throws {Error} with all it printed, if it has ended. */
  throwIfEnded(): void;
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const { rabbitmq, ingest } = backendSettings.backend;

/** The backend's own defaults: what a drain is measured with. */
export const defaults = {
  prefetch: Number(rabbitmq.prefetch.default),
  batchSize: Number(ingest.batch_size.default),
  batchWait: String(ingest.batch_wait.default),
  writers: Number(ingest.writers.default),
};

/** The real backend, by the command line of `deno task backend`. */
export function backend(
  name: string,
  { folder = root, flags = [], denoFlags = [] }: {
    readonly folder?: string;
    readonly flags?: readonly string[];
    readonly denoFlags?: readonly string[];
  } = {},
): Contender {
  return {
    name,
    until: "committed",
    start: (site) =>
      run(resolve(folder), [
        "run",
        ...denoFlags,
        ...denoConfig.tasks.backend.command.split(" ").slice(2),
        "--log-format=json",
        ...flags,
      ], {
        APP_BACKEND_HOST: "127.0.0.1",
        APP_BACKEND_GRPC_PORT: "0",
        APP_BACKEND_METRICS_PORT: "0",
        APP_BACKEND_DB_URL: site.databaseUrl,
        APP_BACKEND_RABBITMQ_URL: site.amqpUrl,
        APP_BACKEND_RABBITMQ_SENSOR_QUEUE: site.sensorQueue,
        APP_BACKEND_RABBITMQ_DEVICE_QUEUE: site.deviceQueue,
      }),
  };
}

/** The bare loop, with the backend's prefetch, batch and writers; prints `done` at the end. */
export function bareLoop(name: string, { database }: { readonly database: boolean }): Contender {
  return {
    name,
    until: database ? "committed" : "done",
    start: (site, readings) =>
      run(root, [
        ...["run", "--allow-net", "--allow-env", "--allow-read", "bench/ingest/bare_loop.ts"],
        ...[site.amqpUrl, site.sensorQueue, String(defaults.prefetch)],
        ...[String(defaults.batchSize), String(defaults.writers), String(readings)],
        ...(database ? [site.databaseUrl] : []),
      ], {}),
  };
}

/** Starts a Deno of its own; disposing ends it as a signal does. */
export function run(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Running {
  const inherited = Object.entries(Deno.env.toObject()).filter(([name]) => !/^APP_/.test(name));
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    clearEnv: true,
    env: { ...Object.fromEntries(inherited), ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let words = "";
  let ended = false;
  let heard = Promise.withResolvers<void>();
  const tell = () => {
    heard.resolve();
    heard = Promise.withResolvers();
  };
  const listen = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      words += text;
      tell();
    }
  };
  const listened = Promise.all([listen(child.stdout), listen(child.stderr)]);
  const status = Promise.all([child.status, listened]).then(() => {
    ended = true;
    tell();
  });
  const throwIfEnded = () => {
    if (ended) throw new Error(`The process ended too early:\n${words}`);
  };
  return {
    pid: child.pid,
    throwIfEnded,
    async printed(word) {
      while (!words.includes(word)) {
        throwIfEnded();
        await heard.promise;
      }
      return words;
    },
    async [Symbol.asyncDispose]() {
      if (!ended) child.kill("SIGTERM");
      const killer = setTimeout(() => ended || child.kill("SIGKILL"), 15_000);
      await status;
      clearTimeout(killer);
    },
  };
}
