import { reasonOf, ServiceError } from "./service.ts";
import type { ServerUser } from "./unprivileged_user.ts";

export interface ServerCommand {
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Undefined to stay the same user. */
  readonly user?: ServerUser | undefined;
  /** The quickest signal after which nothing of the server is left. */
  readonly stopSignal: Deno.Signal;
}

export interface ServerProcess extends AsyncDisposable {
  /**
   * Resolves once `attempt` does.
   *
   * @throws {ServiceError} with the server's last words, when it exits first or
   *   the deadline passes; the signal's reason, when it is aborted.
   */
  answers(
    attempt: () => Promise<void>,
    options: { readonly deadlineMs: number; readonly signal: AbortSignal },
  ): Promise<void>;
  /** Sends the signal, and SIGKILL if it does not heed it; resolves once it has ended. */
  stop(signal: Deno.Signal): Promise<void>;
}

const killAfterMs = 10_000;
const pollMs = 100;

/** Starts a server; disposing stops it, and kills it if it does not heed the signal. */
export function startServer(
  { path, args = [], env = {}, cwd, user, stopSignal }: ServerCommand,
): ServerProcess {
  const child = new Deno.Command(path, {
    args: [...args],
    env,
    cwd,
    ...user,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let exited = false;
  const status = child.status.finally(() => exited = true);
  let words = "";
  const listen = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      words = (words + text).slice(-2_000);
    }
  };
  const heard = Promise.all([listen(child.stdout), listen(child.stderr)]);
  const stop = async (signal: Deno.Signal) => {
    try {
      if (!exited) child.kill(signal);
    } catch {
      // It ended in the meantime, as after a Ctrl-C that reached it too.
    }
    const killer = setTimeout(() => child.kill("SIGKILL"), killAfterMs);
    await status;
    clearTimeout(killer);
    await heard;
  };

  return {
    stop,
    async answers(attempt, { deadlineMs, signal }) {
      const startedMs = performance.now();
      for (;;) {
        signal.throwIfAborted();
        try {
          return await attempt();
        } catch (error) {
          const late = performance.now() - startedMs > deadlineMs;
          if (exited || late) {
            const state = exited ? "it exited" : `no answer within ${deadlineMs} ms`;
            throw new ServiceError(`${path}: ${state}: ${reasonOf(error)}\n${words}`);
          }
        }
        await new Promise((resolve) => setTimeout(resolve, pollMs));
      }
    },
    [Symbol.asyncDispose]: () => stop(stopSignal),
  };
}
