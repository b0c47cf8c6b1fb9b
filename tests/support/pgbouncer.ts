import { freePort } from "../../tools/services/free_port.ts";
import { probePostgres } from "../../tools/services/probe.ts";
import { startServer } from "../../tools/services/server_process.ts";
import { tempFolder } from "../../tools/services/temp_folder.ts";
import { unprivilegedUser } from "../../tools/services/unprivileged_user.ts";
import { surelyBrokenMs } from "./wait_until.ts";

/**
 * PgBouncer, as `deno task test` found it; undefined where there is none. Tests
 * that need it are ignored then: `Deno.test({ ignore: pgbouncerPath === undefined, … })`.
 */
export const pgbouncerPath: string | undefined = Deno.env.get("TEST_PGBOUNCER");

export interface PgbouncerOptions {
  /** What a client has a session of the server's for. */
  readonly mode: "transaction" | "session";
  /** Sessions of the server's that all clients of a database share. */
  readonly sessions: number;
}

/**
 * Puts a pooler before the database of `url`, which lets everyone in.
 * Disposing ends it, and breaks what is connected.
 */
export async function startPgbouncer(
  url: string,
  { mode, sessions }: PgbouncerOptions,
): Promise<AsyncDisposable & { readonly url: string }> {
  if (pgbouncerPath === undefined) throw new Error("TEST_PGBOUNCER is not set");
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await tempFolder("demo-app-pgbouncer-"));
  const user = await unprivilegedUser();
  if (user !== undefined) await Deno.chown(folder.path, user.uid, user.gid);
  const pooled = new URL(url);
  pooled.hostname = "127.0.0.1";
  pooled.port = String(freePort());
  const file = `${folder.path}/pgbouncer.ini`;
  await Deno.writeTextFile(
    file,
    `[databases]
* = ${serverOf(new URL(url))}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${pooled.port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
default_pool_size = ${sessions}
`,
  );
  const server = starting.use(startServer({
    path: pgbouncerPath,
    args: [file],
    cwd: folder.path,
    user,
    // It has nothing to keep; the others wait for its clients, in some versions.
    stopSignal: "SIGKILL",
  }));
  await server.answers(() => probePostgres(pooled.href, surelyBrokenMs), {
    deadlineMs: surelyBrokenMs,
    signal: new AbortController().signal,
  });
  const started = starting.move();
  return { url: pooled.href, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

/** How the pooler reaches the server. */
function serverOf({ hostname, port, username, password }: URL): string {
  const parts = { host: hostname, port: port || "5432", user: username, password };
  return Object.entries(parts)
    .map(([name, part]) => `${name}='${decodeURIComponent(part).replaceAll("'", "''")}'`)
    .join(" ");
}
