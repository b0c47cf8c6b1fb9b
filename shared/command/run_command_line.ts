import process from "node:process";
import { type Command, CommanderError } from "commander";
import { ConfigError } from "#shared/config/config_error.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { OutputClosedError, watchStandardOutput } from "#shared/output/standard_output.ts";

/**
 * Runs the command that the arguments name, and ends the process: with status
 * 0 when it ended well, 1 when it could not start or go on, or a task was
 * stopped, 2 for a bad command line or configuration, 141 (as by SIGPIPE) when
 * it ended since nobody read what it printed.
 */
export async function runCommandLine(program: Command, args: readonly string[]): Promise<never> {
  watchStandardOutput();
  process.exit(await statusOf(program, args));
}

async function statusOf(program: Command, args: readonly string[]): Promise<number> {
  prepare(program);
  try {
    await program.parseAsync(withoutDashes(args), { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof OutputClosedError) return 141;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof ConfigError || error instanceof ExitError) {
      process.stderr.write(`${error.message}\n`);
      return error instanceof ConfigError ? 2 : 1;
    }
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    return 1;
  }
}

/** Has the command, and those below it, throw where they would end the process. */
function prepare(command: Command): void {
  command.exitOverride().configureHelp({
    helpWidth: 100,
    // Commander's own does not say which commands have others below them.
    subcommandTerm: (below) => `${below.name()} ${below.usage()}`,
  });
  command.commands.forEach(prepare);
}

/**
 * Without the dashes that `deno task backend -- --help` hands on, or
 * `deno task migrate -- --help` after the command that it names.
 */
function withoutDashes(args: readonly string[]): readonly string[] {
  const at = args.findIndex((arg) => arg.startsWith("-"));
  return args[at] === "--" ? args.toSpliced(at, 1) : args;
}
