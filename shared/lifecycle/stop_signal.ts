import process from "node:process";

const stopSignals = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"] as const
  : ["SIGINT", "SIGTERM"] as const;

/**
 * One Ctrl-C arrives twice under a task runner, which passes on what the
 * terminal has sent to everyone; what follows this soon is the same keystroke.
 */
const sameKeystrokeMs = 500;

/**
 * Aborts at the first signal that asks the process to stop; a second one exits
 * at once, with the status that a shell gives for it.
 */
export function stopSignal(): { readonly signal: AbortSignal; [Symbol.dispose](): void } {
  const controller = new AbortController();
  let firstAtMs = 0;
  const listeners = stopSignals.map((name) => {
    const listener = () => {
      const nowMs = performance.now();
      if (!controller.signal.aborted) {
        firstAtMs = nowMs;
        controller.abort(new Error(`stopped by ${name}`));
      } else if (name === "SIGTERM" || nowMs - firstAtMs > sameKeystrokeMs) {
        process.exit(name === "SIGTERM" ? 143 : 130);
      }
    };
    Deno.addSignalListener(name, listener);
    return { name, listener };
  });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const { name, listener } of listeners) Deno.removeSignalListener(name, listener);
    },
  };
}
