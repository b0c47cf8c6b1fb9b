import { defineCommand, runCommandLine } from "#shared/command/command_line.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { type FrontendConfig, frontendSettings } from "./config.ts";

/** Serves the pages until `signal` is aborted. */
export async function runFrontend(config: FrontendConfig, { signal }: RunContext): Promise<void> {
}

export const frontendCommand = defineCommand({
  name: "frontend",
  summary: "Serves the web pages.",
  sections: frontendSettings,
  run: ({ frontend }, context) => runFrontend(frontend, context),
});

if (import.meta.main) await runCommandLine(frontendCommand("frontend"), Deno.args);
