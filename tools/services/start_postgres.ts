import { findBinary, pathFolders, versionFolders } from "./find_binary.ts";
import { freePort } from "./free_port.ts";
import { probePostgres } from "./probe.ts";
import type { RestartableService } from "./restartable_service.ts";
import { type ServerProcess, startServer } from "./server_process.ts";
import { ServiceError } from "./service.ts";
import { tempFolder } from "./temp_folder.ts";
import { type ServerUser, unprivilegedUser } from "./unprivileged_user.ts";

/** Where packages put the server, apart from `PATH`: Debian, Red Hat, source, Homebrew. */
async function serverFolders(): Promise<readonly string[]> {
  const folders: string[] = [];
  const debian = "/usr/lib/postgresql";
  for (const version of await versionFolders(debian)) folders.push(`${debian}/${version}/bin`);
  for (const cellar of ["/opt/homebrew/opt", "/usr/local/opt"]) {
    for (const name of await versionFolders(cellar)) {
      if (/^postgresql(@\d+)?$/.test(name)) folders.push(`${cellar}/${name}/bin`);
    }
  }
  for (const version of await versionFolders("/usr")) {
    if (/^pgsql-\d+$/.test(version)) folders.push(`/usr/${version}/bin`);
  }
  return [...folders, "/usr/local/pgsql/bin", ...pathFolders()];
}

export interface PostgresOptions {
  /** Settings of the server, over those of a run that nothing outlives. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Variables of the server's environment, beside those that it has from us. */
  readonly env?: Readonly<Record<string, string>>;
}

/** For tests: nothing of the server outlives the run, so no write need reach the disk. */
const volatileSettings = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" };
/** PostgreSQL's defaults. */
export const durableSettings = { fsync: "on", synchronous_commit: "on", full_page_writes: "on" };

/**
 * A PostgreSQL of its own in a temporary folder, from the installed server;
 * undefined if none is installed.
 *
 * @throws {ServiceError} if it does not start.
 */
export async function startPostgres(
  signal: AbortSignal,
  { settings: given = {}, env = {} }: PostgresOptions = {},
): Promise<RestartableService | undefined> {
  const initdb = await findBinary("initdb", await serverFolders());
  if (initdb === undefined) return undefined;
  const postgres = initdb.replace(/initdb(\.exe)?$/, "postgres$1");

  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await tempFolder("demo-app-postgres-"));
  const user = await unprivilegedUser();
  if (user !== undefined) await Deno.chown(folder.path, user.uid, user.gid);
  await initialize(initdb, folder.path, user);

  const port = freePort();
  const url = `postgres://postgres:postgres@127.0.0.1:${port}/postgres`;
  const settings = {
    listen_addresses: "127.0.0.1",
    port,
    // Sockets elsewhere would need the right to write there; Windows has none.
    ...(Deno.build.os === "windows" ? {} : { unix_socket_directories: folder.path }),
    max_connections: 200,
    ...volatileSettings,
    ...given,
  };
  let server: ServerProcess | undefined;
  const stop = async (stopSignal: Deno.Signal) => {
    await server?.stop(stopSignal);
    server = undefined;
  };
  starting.defer(() => stop("SIGINT"));
  const start = async () => {
    server = startServer({
      path: postgres,
      args: [
        ...["-D", `${folder.path}/data`],
        ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ],
      env,
      cwd: folder.path,
      user,
      stopSignal: "SIGINT",
    });
    await server.answers(() => probePostgres(url, 20_000), { deadlineMs: 120_000, signal });
  };
  await start();
  const started = starting.move();
  return {
    url,
    origin: `started from ${postgres}`,
    stop,
    start,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

async function initialize(
  initdb: string,
  folder: string,
  user: ServerUser | undefined,
): Promise<void> {
  const { success, stderr } = await new Deno.Command(initdb, {
    args: [
      ...["-D", `${folder}/data`, "--username=postgres", "--auth=trust"],
      ...["--encoding=UTF8", "--no-locale", "--no-sync"],
    ],
    cwd: folder,
    ...user,
    stdin: "null",
    stdout: "null",
  }).output();
  if (!success) throw new ServiceError(`${initdb}: ${new TextDecoder().decode(stderr).trim()}`);
}
