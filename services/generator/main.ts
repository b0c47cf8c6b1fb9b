import { defineCommand, runCommandLine } from "#shared/command/command_line.ts";
import type { RunContext } from "#shared/command/run_context.ts";
import { type GeneratorConfig, generatorSettings } from "./config.ts";

/** Publishes a simulated fleet's devices and readings until `signal` is aborted. */
export async function runGenerator(config: GeneratorConfig, { signal }: RunContext): Promise<void> {
}

export const generatorCommand = defineCommand({
  name: "generator",
  summary: "Simulates a fleet of devices and publishes what they measure.",
  sections: generatorSettings,
  run: ({ generator }, context) => runGenerator(generator, context),
});

if (import.meta.main) await runCommandLine(generatorCommand("generator"), Deno.args);
