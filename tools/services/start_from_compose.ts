import { fileURLToPath } from "node:url";
import { freePort } from "./free_port.ts";
import type { Probe } from "./probe.ts";
import { type Service, ServiceError } from "./service.ts";

/** A service of compose.yaml, and how the host reaches it. */
export interface ComposeService {
  readonly name: string;
  /** The variable of compose.yaml that chooses its port on this machine. */
  readonly portVariable: string;
  /** Every other variable of the service, whatever a `.env` says. */
  readonly variables: Readonly<Record<string, string>>;
  readonly url: (port: number) => string;
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const pullSeconds = 300;

/**
 * The service, in a Compose project and on a port of its own; undefined where
 * no container engine answers.
 *
 * @throws {ServiceError} if it does not start.
 */
export async function startFromCompose(
  { name, portVariable, variables, url }: ComposeService,
  probe: Probe,
  signal: AbortSignal,
): Promise<Service | undefined> {
  if (!await succeeds(["version", "--format", "{{.Server.Version}}"])) return undefined;
  if (!await succeeds(["compose", "version"])) return undefined;

  const port = freePort();
  const project = `demo-app-test-${name}-${Deno.pid}`;
  const compose = (...args: string[]) =>
    new Deno.Command("docker", {
      args: ["compose", "--project-name", project, "--file", "compose.yaml", ...args],
      cwd: root,
      env: { ...variables, [portVariable]: String(port) },
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn().status;

  await using starting = new AsyncDisposableStack();
  starting.defer(async () => {
    await compose("down", "--volumes", "--timeout", "2");
  });
  const { success } = await compose(
    ...["up", "--detach", "--wait", "--wait-timeout", String(pullSeconds), name],
  );
  signal.throwIfAborted();
  if (!success) throw new ServiceError(`docker compose up ${name} failed`);
  await probe(url(port), 10_000);
  const started = starting.move();
  return {
    url: url(port),
    origin: `started from compose.yaml`,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

async function succeeds(args: readonly string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("docker", {
      args: [...args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
      signal: AbortSignal.timeout(10_000),
    }).output();
    return success;
  } catch {
    return false;
  }
}
