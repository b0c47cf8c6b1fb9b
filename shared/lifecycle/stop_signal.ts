import process from "node:process";
import { outputClosed } from "#shared/output/standard_output.ts";

/** What asks a process to stop, and the status that a shell gives for it. */
const statusOf = Deno.build.os === "windows"
  // Ctrl-C, Ctrl-Break, and the console that closes.
  ? { SIGINT: 130, SIGBREAK: 149, SIGHUP: 129 } as const
  : { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * One Ctrl-C arrives twice under a task runner, which passes on what the
 * terminal has sent to everyone, and so does its closing; what follows this
 * soon is the same.
 */
const sameKeystrokeMs = 500;

/**
 * Aborts at the first signal that asks the process to stop, and when nobody
 * reads its output any more; a second signal exits at once, with the status
 * that a shell gives for it.
 */
export function stopSignal(): { readonly signal: AbortSignal; [Symbol.dispose](): void } {
  const controller = new AbortController();
  let firstAtMs = -Infinity;
  const signals = Object.keys(statusOf) as (keyof typeof statusOf)[];
  const listeners = signals.map((name) => {
    const listener = () => {
      const nowMs = performance.now();
      if (!controller.signal.aborted) {
        firstAtMs = nowMs;
        controller.abort(new Error(`stopped by ${name}`));
      } else if (String(name) === "SIGTERM" || nowMs - firstAtMs > sameKeystrokeMs) {
        process.exit(statusOf[name]);
      }
    };
    Deno.addSignalListener(name, listener);
    return { name, listener };
  });
  const onOutputClosed = () => controller.abort(outputClosed.reason);
  outputClosed.addEventListener("abort", onOutputClosed, { once: true });
  if (outputClosed.aborted) onOutputClosed();
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const { name, listener } of listeners) Deno.removeSignalListener(name, listener);
      outputClosed.removeEventListener("abort", onOutputClosed);
    },
  };
}
