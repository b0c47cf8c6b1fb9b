import { Command } from "commander";
import { runCommandLine } from "#shared/command/run_command_line.ts";
import { versionOf } from "#shared/command/version.ts";
import { commands } from "./commands.ts";

/** The unified program: every service and tool as a subcommand. */
function demoApp(): Command {
  const program = new Command("demo-app")
    .description("An IoT data pipeline.")
    .version(versionOf("demo-app"), "--version", "say which version this is");
  for (const command of commands) program.addCommand(command.build());
  return program;
}

if (import.meta.main) await runCommandLine(demoApp(), Deno.args);
