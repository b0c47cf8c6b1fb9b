import { Command } from "commander";
import { runCommandLine } from "#shared/command/command_line.ts";
import { versionOf } from "#shared/command/version.ts";
import { backendCommand } from "../backend/main.ts";
import { frontendCommand } from "../frontend/main.ts";
import { generatorCommand } from "../generator/main.ts";
import { deadLettersCommand } from "./dead_letters/dead_letters.ts";
import { devCommand } from "./dev/dev.ts";
import { migrateCommand } from "./migrate/migrate.ts";
import { parkedCommand } from "./parked/parked.ts";
import { verifyCommand } from "./verify/verify.ts";

/** The unified program: every service and tool as a subcommand. */
function demoApp(): Command {
  const program = new Command("demo-app")
    .description("An IoT data pipeline.")
    .version(versionOf("demo-app"), "--version", "say which version this is");
  for (
    const command of [
      devCommand,
      generatorCommand,
      backendCommand,
      frontendCommand,
      migrateCommand,
      deadLettersCommand,
      parkedCommand,
      verifyCommand,
    ]
  ) {
    program.addCommand(command());
  }
  return program;
}

if (import.meta.main) await runCommandLine(demoApp(), Deno.args);
