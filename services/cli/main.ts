import { Command } from "commander";
import { runCommandLine } from "#shared/command/command_line.ts";
import { backendCommand } from "../backend/main.ts";
import { frontendCommand } from "../frontend/main.ts";
import { generatorCommand } from "../generator/main.ts";
import { devCommand } from "./dev.ts";
import { migrateCommand } from "./migrate.ts";
import { verifyCommand } from "./verify.ts";

/** The unified program: every service and tool as a subcommand. */
function demoApp(): Command {
  const program = new Command("demo-app").description("An IoT data pipeline.");
  for (
    const command of [
      devCommand,
      generatorCommand,
      backendCommand,
      frontendCommand,
      migrateCommand,
      verifyCommand,
    ]
  ) {
    program.addCommand(command());
  }
  return program;
}

if (import.meta.main) await runCommandLine(demoApp(), Deno.args);
