import { findBinary, pathFolders, versionFolders } from "./find_binary.ts";
import { freePort } from "./free_port.ts";
import { probeRabbitmq } from "./probe.ts";
import type { RestartableService } from "./restartable_service.ts";
import { type ServerProcess, startServer } from "./server_process.ts";
import { ServiceError } from "./service.ts";
import { tempFolder } from "./temp_folder.ts";

/** Ahead of `PATH`, where Debian has a wrapper that changes the user and hides the output. */
const serverFolders = ["/usr/lib/rabbitmq/bin"];
const homebrewFolders = ["/opt/homebrew/sbin", "/usr/local/sbin", "/usr/sbin"];

export interface RabbitmqService extends RestartableService {
  /**
   * Runs the node's own command: `rabbitmqctl …`.
   *
   * @throws {ServiceError} with what it said, if it fails.
   */
  control(...args: readonly string[]): Promise<string>;
}

/**
 * A RabbitMQ node of its own in a temporary folder, from the installed server;
 * undefined if none is installed.
 *
 * @throws {ServiceError} if it does not start.
 */
export async function startRabbitmq(signal: AbortSignal): Promise<RabbitmqService | undefined> {
  if (Deno.build.os === "windows") return undefined;
  const path = await findBinary("rabbitmq-server", [
    ...serverFolders,
    ...pathFolders(),
    ...homebrewFolders,
  ]);
  if (path === undefined) return undefined;

  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await tempFolder("demo-app-rabbitmq-"));
  const [port, distributionPort, epmdPort] = [freePort(), freePort(), freePort()];
  await Deno.writeTextFile(
    `${folder.path}/rabbitmq.conf`,
    `listeners.tcp.1 = 127.0.0.1:${port}\n`,
  );
  await Deno.writeTextFile(`${folder.path}/enabled_plugins`, "[].\n");

  // Left to itself, the node starts a port mapper that outlives it.
  starting.use(startServer({
    path: await portMapper(),
    args: ["-address", "127.0.0.1", "-port", String(epmdPort)],
    cwd: folder.path,
    stopSignal: "SIGTERM",
  }));
  const env = {
    // The cookie is made here, and the user's left alone.
    HOME: folder.path,
    ERL_EPMD_PORT: String(epmdPort),
    RABBITMQ_NODENAME: `demo-app-test-${port}@localhost`,
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_CONF_ENV_FILE: `${folder.path}/none.conf`,
    RABBITMQ_CONFIG_FILE: `${folder.path}/rabbitmq.conf`,
    RABBITMQ_ADVANCED_CONFIG_FILE: `${folder.path}/none.config`,
    RABBITMQ_GENERATED_CONFIG_DIR: `${folder.path}/config`,
    RABBITMQ_SCHEMA_DIR: `${folder.path}/schema`,
    RABBITMQ_ENABLED_PLUGINS_FILE: `${folder.path}/enabled_plugins`,
    RABBITMQ_MNESIA_BASE: `${folder.path}/mnesia`,
    RABBITMQ_LOG_BASE: `${folder.path}/log`,
    RABBITMQ_LOGS: "-",
    RABBITMQ_PID_FILE: `${folder.path}/pid`,
  };
  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  let server: ServerProcess | undefined;
  const stop = async (stopSignal: Deno.Signal) => {
    await server?.stop(stopSignal);
    server = undefined;
  };
  starting.defer(() => stop("SIGKILL"));
  const start = async () => {
    server = startServer({
      path,
      env: {
        ...env,
        // The start script then becomes the node, whose process can be stopped;
        // and without input there is none to end it.
        RABBITMQ_ALLOW_INPUT: "1",
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-noinput +B i",
      },
      cwd: folder.path,
      stopSignal: "SIGKILL",
    });
    await server.answers(() => probeRabbitmq(url, 20_000), { deadlineMs: 240_000, signal });
  };
  await start();
  const started = starting.move();
  return {
    url,
    origin: `started from ${path}`,
    stop,
    start,
    async control(...args) {
      const { success, stdout, stderr } = await new Deno.Command(
        path.replace(/rabbitmq-server$/, "rabbitmqctl"),
        { args: [...args], env, cwd: folder.path, stdin: "null" },
      ).output();
      const decoder = new TextDecoder();
      if (!success) throw new ServiceError(`rabbitmqctl ${args[0]}: ${decoder.decode(stderr)}`);
      return decoder.decode(stdout);
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** Erlang's port mapper, through which its nodes find each other. */
async function portMapper(): Promise<string> {
  const folders = [...pathFolders()];
  for (const root of ["/usr/lib/erlang", "/usr/lib64/erlang", "/opt/homebrew/lib/erlang"]) {
    for (const name of await versionFolders(root)) {
      if (name.startsWith("erts-")) folders.push(`${root}/${name}/bin`);
    }
  }
  const path = await findBinary("epmd", folders);
  if (path === undefined) throw new ServiceError("epmd, a part of Erlang, is not on PATH");
  return path;
}
