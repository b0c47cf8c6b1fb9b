import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { parse } from "yaml";
import { flattenSettings } from "#shared/config/flatten_settings.ts";
import { loadConfig } from "#shared/config/load_config.ts";
import { adminApp } from "#shared/http/admin_app.ts";
import { createRegistry } from "#shared/observability/runtime_metrics.ts";
import denoConfig from "../deno.json" with { type: "json" };
import { backendSettings } from "../services/backend/config.ts";
import { LaterClock } from "../services/backend/ingest/clocks/later_clock.ts";
import { createIngestMetrics } from "../services/backend/ingest/ingest_metrics.ts";
import { showRollups } from "../services/backend/jobs/rollup_metrics.ts";
import { createJobMetrics } from "../services/backend/jobs/job_metrics.ts";
import { showStorage } from "../services/backend/jobs/storage_metrics.ts";
import { frontendSettings } from "../services/frontend/config.ts";
import { generatorSettings } from "../services/generator/config.ts";

interface ComposeService {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly restart?: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
}

interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

interface Prometheus {
  readonly rule_files: readonly string[];
  readonly scrape_configs: readonly {
    readonly static_configs: readonly { readonly targets: readonly string[] }[];
  }[];
}

interface Alerts {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string }[];
  }[];
}

const read = (path: string) => Deno.readTextFile(new URL(`../${path}`, import.meta.url));
const compose: Compose = parse(await read("compose.yaml"), { merge: true });
const dockerfile = await read("deploy/Dockerfile");
const dockerignore = await read(".dockerignore");
const prometheus: Prometheus = parse(await read("deploy/prometheus/prometheus.yml"));

const tables = {
  backend: backendSettings,
  generator: generatorSettings,
  frontend: frontendSettings,
} as const;

/** `${NAME:-fallback}` as Compose reads it where nothing is set. */
function withDefaults(text: string): string {
  return text.replace(/\$\{[A-Z_]+:-([^}]*)\}/g, "$1");
}

/** Ports of this machine, by those of the container. */
function publishedPorts(service: string): ReadonlyMap<number, number> {
  return new Map((compose.services[service]?.ports ?? []).map((text) => {
    const [address, host, container] = withDefaults(text).split(":");
    assert.equal(address, "127.0.0.1", `${service} is published beyond this machine: ${text}`);
    return [Number(container), Number(host)];
  }));
}

/** What the image sets of the settings. */
const imageEnvironment = Object.fromEntries(
  [...dockerfile.matchAll(/^(?:ENV| {3}) (APP_[A-Z_]+)=(\S+)/gm)]
    .map(([, variable, value]) => [variable!, value!]),
);

function configOf<const Name extends keyof typeof tables>(name: Name) {
  return loadConfig(name, tables[name], {
    flags: new Map(),
    strayArguments: [],
    environment: {
      ...imageEnvironment,
      ...Object.fromEntries(
        Object.entries(compose.services[name]?.environment ?? {})
          .map(([variable, value]) => [variable, withDefaults(String(value))]),
      ),
    },
    configFile: undefined,
    readTextFile: () => "",
  });
}

const defaults = new Map(
  Object.values(tables).flatMap((table) =>
    flattenSettings(table).map(({ key, setting }) => [key, setting.default] as const)
  ),
);

Deno.test("compose.yaml configures each service with settings that it has", () => {
  for (const name of ["backend", "generator", "frontend"] as const) {
    assert.deepEqual(compose.services[name]?.command, [name]);
    configOf(name);
  }
});

Deno.test("In the image a service listens on all addresses, and elsewhere on this machine's alone", () => {
  assert.equal(configOf("backend").backend.host, "0.0.0.0");
  assert.equal(configOf("generator").generator.host, "0.0.0.0");
  assert.equal(configOf("frontend").frontend.host, "0.0.0.0");
  for (const name of ["backend", "generator", "frontend"]) {
    assert.equal(defaults.get(`${name}.host`), "127.0.0.1");
  }
});

Deno.test("compose.yaml points the services at each other", () => {
  const { backend } = configOf("backend");
  assert.equal(backend.db.host, "postgres");
  assert.equal(backend.rabbitmq.url.hostname, "rabbitmq");
  assert.equal(configOf("generator").generator.rabbitmqUrl.hostname, "rabbitmq");
  assert.equal(
    configOf("frontend").frontend.backendUrl.host,
    `backend:${defaults.get("backend.grpc_port")}`,
  );
});

Deno.test("compose.yaml publishes every port where the defaults expect it", () => {
  const expected = {
    backend: ["backend.grpc_port", "backend.metrics_port"],
    generator: ["generator.metrics_port"],
    frontend: ["frontend.http_port"],
    postgres: ["backend.db.port"],
  };
  for (const [service, keys] of Object.entries(expected)) {
    const ports = publishedPorts(service);
    for (const key of keys) {
      const port = Number(defaults.get(key));
      assert.equal(ports.get(port), port, `${service} lacks ${key} ${port}`);
    }
  }
  const brokerPort = Number(new URL(defaults.get("generator.rabbitmq_url")!).port);
  assert.equal(publishedPorts("rabbitmq").get(brokerPort), brokerPort);
  assert.equal(publishedPorts("rabbitmq").get(15672), 15672, "RabbitMQ's page");
  const all = Object.keys(compose.services).flatMap((name) => [...publishedPorts(name).values()]);
  assert.equal(new Set(all).size, all.length, `a port is published twice: ${all}`);
});

Deno.test("postgres and rabbitmq of compose.yaml take the services' default credentials", () => {
  const { POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB } = compose.services["postgres"]!
    .environment!;
  assert.equal(POSTGRES_USER, defaults.get("backend.db.user"));
  assert.equal(withDefaults(POSTGRES_PASSWORD!), defaults.get("backend.db.password"));
  assert.equal(POSTGRES_DB, defaults.get("backend.db.database"));
  // An AMQP URL without a user means guest.
  assert.equal(new URL(defaults.get("backend.rabbitmq.url")!).username, "");
  const { RABBITMQ_DEFAULT_USER, RABBITMQ_DEFAULT_PASS } = compose.services["rabbitmq"]!
    .environment!;
  assert.equal(withDefaults(RABBITMQ_DEFAULT_USER!), "guest");
  assert.equal(withDefaults(RABBITMQ_DEFAULT_PASS!), "guest");
});

Deno.test("compose.yaml starts each service once what it needs is healthy", () => {
  for (
    const [name, { depends_on = {}, healthcheck, restart }] of Object.entries(compose.services)
  ) {
    assert(healthcheck !== undefined, `${name} has no health check`);
    assert.equal(restart, "unless-stopped", `${name} is not restarted`);
    for (const [needed, { condition }] of Object.entries(depends_on)) {
      assert(needed in compose.services, `${name} depends on ${needed}, which is no service`);
      assert.equal(condition, "service_healthy", `${name} does not wait for ${needed}`);
    }
  }
  const needs = (name: string) => Object.keys(compose.services[name]?.depends_on ?? {}).sort();
  assert.deepEqual(needs("backend"), ["postgres", "rabbitmq"]);
  assert.deepEqual(needs("generator"), ["backend", "rabbitmq"]);
  assert.deepEqual(needs("frontend"), ["backend"]);
});

Deno.test("The health checks ask the port that each service serves /readyz on", () => {
  const keys = {
    backend: "backend.metrics_port",
    generator: "generator.metrics_port",
    frontend: "frontend.http_port",
  };
  for (const [name, key] of Object.entries(keys)) {
    assert.equal(compose.services[name]?.healthcheck?.test.at(-1), defaults.get(key));
    assert.match(dockerfile, new RegExp(`HEALTHCHECK(.|\\n)*"${defaults.get(key)}"`));
  }
});

Deno.test("Prometheus scrapes the three services where they serve /metrics", () => {
  const targets = prometheus.scrape_configs.flatMap(({ static_configs }) =>
    static_configs.flatMap(({ targets }) => targets)
  );
  for (
    const wanted of [
      `backend:${defaults.get("backend.metrics_port")}`,
      `generator:${defaults.get("generator.metrics_port")}`,
      `frontend:${defaults.get("frontend.http_port")}`,
    ]
  ) {
    assert(targets.includes(wanted), `${wanted} is not scraped`);
  }
  for (const target of targets) {
    assert(target.split(":")[0]! in compose.services, `${target} is no service of compose.yaml`);
  }
});

Deno.test("Prometheus alerts by metrics that there are", async () => {
  const registry = createRegistry("backend");
  createIngestMetrics(registry);
  createJobMetrics(registry);
  showStorage(registry);
  showRollups(registry);
  new LaterClock({ askDatabase: () => Promise.resolve(0), registry, log: getLogger() });
  adminApp({ registry });
  const mounted = compose.services["prometheus"]?.volumes ?? [];
  assert(prometheus.rule_files.length > 0);
  for (const file of prometheus.rule_files) {
    assert(mounted.includes(`./deploy/prometheus/${file}:/etc/prometheus/${file}:ro`), file);
    const { groups }: Alerts = parse(await read(`deploy/prometheus/${file}`));
    for (const { alert, expr } of groups.flatMap(({ rules }) => rules)) {
      const metrics = expr.replaceAll(/\b(?:by|on) \(.*?\)|\{.*?\}/g, "").match(
        /[a-z]+(?:_[a-z]+)+/g,
      )!;
      for (const metric of metrics) {
        assert(registry.getSingleMetric(metric) !== undefined, `${alert} asks for ${metric}`);
      }
    }
  }
});

Deno.test("Files that compose.yaml mounts exist, and volumes are declared", async () => {
  for (const { volumes = [] } of Object.values(compose.services)) {
    for (const volume of volumes) {
      const [source] = volume.split(":");
      if (source!.startsWith("./")) await read(source!);
      else assert(source! in compose.volumes, `volume ${source} is not declared`);
    }
  }
});

Deno.test("The image runs as another user than root, with the services' permissions only", () => {
  assert.match(dockerfile, /^USER (?!0|root)\d+:\d+$/m);
  const entrypoint = dockerfile.match(/^ENTRYPOINT (\[.*\])$/m)?.[1];
  const args: readonly string[] = JSON.parse(entrypoint!);
  const allowed = args.filter((arg) => arg.startsWith("--allow"));
  for (const task of ["backend", "generator", "frontend"] as const) {
    const wanted = denoConfig.tasks[task].command.split(" ")
      // In the image only an archive may be written, so manifests are for runs outside of it.
      .filter((arg) => arg.startsWith("--allow") && !arg.startsWith("--allow-write"));
    assert.deepEqual(
      allowed,
      [...wanted, "--allow-write=/archive"],
      `the image and the task ${task} differ`,
    );
  }
});

Deno.test("What the Dockerfile copies is let through by .dockerignore", () => {
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*)$/gm)]
    .flatMap(([, paths]) => paths!.split(" ").slice(0, -1));
  assert(copied.length > 0);
  for (const path of copied) {
    assert(dockerignore.includes(`\n!${path}\n`), `${path} is not let through`);
  }
});
