import process from "node:process";
import { ServiceError } from "../tools/services/service.ts";
import { say } from "./ingest/output.ts";

/** Runs a benchmark, whose signal a Ctrl-C aborts, and ends the process with its status. */
export async function runMain(main: (signal: AbortSignal) => Promise<void>): Promise<never> {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => controller.abort(new ServiceError(`Stopped by ${name}`)));
  }
  let status = 0;
  try {
    await main(controller.signal);
  } catch (error) {
    status = controller.signal.aborted ? 130 : 1;
    // A Ctrl-C reaches the servers that were started too, and closing then fails besides.
    if (controller.signal.aborted) say(String(controller.signal.reason.message));
    else if (error instanceof ServiceError || error instanceof TypeError) say(error.message);
    else throw error;
  }
  process.exit(status);
}
