import { getLogger } from "@logtape/logtape";
import type { MemoryQueues } from "#shared/broker/memory/memory_queues.ts";
import { flattenSettings } from "#shared/config/flatten_settings.ts";
import { loadConfig } from "#shared/config/load_config.ts";
import { type BackendConfig, backendSettings } from "../../services/backend/config.ts";
import { runBackend } from "../../services/backend/main.ts";

/** The backend's configuration, from flags alone; its ports are any that are free. */
export function backendConfig(flags: Readonly<Record<string, string>>): BackendConfig {
  const known = flattenSettings(backendSettings).map(({ flag }) => flag);
  const unknown = Object.keys(flags).filter((flag) => !known.includes(flag));
  if (unknown.length > 0) throw new Error(`no such flags: ${unknown}`);
  return loadConfig("backend", backendSettings, {
    flags: new Map(
      Object.entries({ host: "127.0.0.1", "grpc-port": "0", "metrics-port": "0", ...flags }),
    ),
    strayArguments: [],
    environment: {},
    configFile: undefined,
    readTextFile: () => "",
  }).backend;
}

/** A backend that does its work in this process; disposing stops it as a signal does. */
export interface RunningBackend extends AsyncDisposable {
  /** Where it serves: `api`, `admin`. */
  readonly addresses: Readonly<Record<string, string>>;
}

export async function startBackend(
  config: BackendConfig,
  memoryQueues?: MemoryQueues,
): Promise<RunningBackend> {
  const stop = new AbortController();
  const ready = Promise.withResolvers<Readonly<Record<string, string>>>();
  const ended = runBackend(config, {
    log: getLogger("backend-run"),
    signal: stop.signal,
    onReady: ready.resolve,
    ...(memoryQueues === undefined ? {} : { memoryQueues }),
  });
  const failed = ended.then(() => Promise.reject(new Error("the backend ended by itself")));
  failed.catch(() => {});
  const addresses = await Promise.race([ready.promise, failed]);
  return {
    addresses,
    async [Symbol.asyncDispose]() {
      stop.abort(new Error("told to stop"));
      await ended;
    },
  };
}

/** The sum of a metric over its labels. */
export async function metricOf({ addresses }: RunningBackend, name: string): Promise<number> {
  const text = await (await fetch(`${addresses["admin"]}/metrics`)).text();
  const values = text.split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => Number(line.slice(line.lastIndexOf(" "))));
  return values.reduce((sum, value) => sum + value, 0);
}
