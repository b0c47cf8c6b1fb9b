import type { MissingService, OptionalService } from "../ignored_tests_report.ts";
import { installCommands } from "./install_commands.ts";
import { namedAmqpUrl, namedPostgresUrl, type NamedUrl } from "./named_url.ts";
import { type Probe, probePostgres, probeRabbitmq } from "./probe.ts";
import type { Service } from "./service.ts";
import type { ComposeService } from "./start_from_compose.ts";
import { startPostgres } from "./start_postgres.ts";
import { startRabbitmq } from "./start_rabbitmq.ts";

/** A server that tests use: how it is found, started and, failing that, asked for. */
export interface NeededService extends MissingService {
  /** How tests are told its URL. */
  readonly variable: string;
  readonly usualUrl: string;
  readonly named: (environment: Readonly<Record<string, string>>) => NamedUrl | undefined;
  readonly probe: Probe;
  readonly compose: ComposeService;
  readonly startInstalled: (signal: AbortSignal) => Promise<Service | undefined>;
}

export const neededServices: readonly NeededService[] = [
  {
    name: "PostgreSQL",
    variable: "TEST_POSTGRES_URL",
    support: "tests/support/postgres.ts",
    usualUrl: "postgres://postgres:postgres@127.0.0.1:5432/postgres",
    named: namedPostgresUrl,
    probe: probePostgres,
    compose: {
      name: "postgres",
      portVariable: "POSTGRES_PORT",
      variables: { POSTGRES_PASSWORD: "postgres" },
      url: (port) => `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    },
    startInstalled: startPostgres,
    supply: ["docker compose up -d postgres", ...installCommands("postgresql", "postgresql@18")],
  },
  {
    name: "RabbitMQ",
    variable: "TEST_AMQP_URL",
    support: "tests/support/rabbitmq.ts",
    usualUrl: "amqp://guest:guest@127.0.0.1:5672",
    named: namedAmqpUrl,
    probe: probeRabbitmq,
    compose: {
      name: "rabbitmq",
      portVariable: "RABBITMQ_PORT",
      // Port 0 is any free one: nobody looks at the page of a broker for tests.
      variables: { RABBITMQ_PASSWORD: "guest", RABBITMQ_PAGE_PORT: "0" },
      url: (port) => `amqp://guest:guest@127.0.0.1:${port}`,
    },
    startInstalled: startRabbitmq,
    supply: ["docker compose up -d rabbitmq", ...installCommands("rabbitmq-server", "rabbitmq")],
  },
];

/** What is tested on it is tested on PostgreSQL, too. */
export const optionalCitus: OptionalService = {
  name: "Citus",
  testsNamed: /, on Citus$/,
  supply: "CITUS_URL=<database of a coordinator that has workers> deno task test",
};
