import process from "node:process";
import { getLogger } from "@logtape/logtape";
import { Command, CommanderError, Option } from "commander";
import { ConfigError } from "#shared/config/config_error.ts";
import { flattenSettings } from "#shared/config/flatten_settings.ts";
import { type LoadedConfig, loadNamedConfig } from "#shared/config/load_config.ts";
import type { LogConfig, logSettings } from "#shared/config/log_settings.ts";
import type { ConfigOf, Settings } from "#shared/config/setting.ts";
import { nameKeys, type SettingNames } from "#shared/config/setting_names.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { stopSignal } from "#shared/lifecycle/stop_signal.ts";
import { startLogging } from "#shared/observability/logging.ts";
import {
  outputClosed,
  OutputClosedError,
  watchStandardOutput,
} from "#shared/output/standard_output.ts";
import { standardTerminal } from "#shared/output/status_line.ts";
import type { RunContext } from "./run_context.ts";
import { versionOf } from "./version.ts";

/** A command of the program: its name, its settings and what it does. */
export interface CommandSpec<Sections extends Settings & { log: typeof logSettings }> {
  readonly name: string;
  readonly summary: string;
  readonly sections: Sections;
  /** Settings of the same sections that only other commands use. */
  readonly unused?: Settings;
  /** What the command can do, by the word for it, if it is more than one thing; the first is the default. */
  readonly actions?: Readonly<Record<string, string>>;
  /** It has something to bring to an end, so that a stop before that is no good end. */
  readonly task?: boolean;
  readonly run: (
    config: ConfigOf<Sections>,
    context: RunContext,
    action: string,
  ) => Promise<void>;
}

/** A command, ready to be put on a command line. */
export type RunnableCommand = (name?: string) => Command;

/**
 * Makes a command: parses its flags, loads its configuration, starts logging,
 * and runs it until it ends or the process is told to stop. Exit status 0 when
 * it ended well, 1 when it could not start or go on, or a task was stopped, 2 for a bad command line
 * or configuration, 141 (as by SIGPIPE) when it ended since nobody read what it
 * printed.
 */
export function defineCommand<Sections extends Settings & { log: typeof logSettings }>(
  spec: CommandSpec<Sections>,
): RunnableCommand {
  return (name = spec.name) => {
    const command = new Command(name)
      .description(spec.summary)
      .version(versionOf(name), "--version", "say which version this is")
      .allowUnknownOption()
      .allowExcessArguments()
      .option("--config <file>", "YAML file with any of the keys below");
    const actions = Object.keys(spec.actions ?? {});
    if (spec.actions !== undefined) {
      command.argument("[action]", describeActions(spec.actions), actions[0]);
    }
    const flagByAttribute = addOptions(command, spec.sections);
    return command.action(async () => {
      const options = command.opts<Readonly<Record<string, string>>>();
      const flags = new Map<string, string>();
      for (const [attribute, flag] of flagByAttribute) {
        const given = options[attribute];
        if (given !== undefined) flags.set(flag, given);
      }
      const named = actions.includes(command.args[0] ?? "");
      const loaded = loadNamedConfig(spec.name, spec.sections, {
        flags,
        actions: named ? [] : actions,
        strayArguments: named ? command.args.slice(1) : command.args,
        environment: Deno.env.toObject(),
        configFile: options["config"],
        readTextFile,
      }, spec.unused);
      await runLogged(spec, loaded, named ? command.args[0]! : actions[0] ?? "");
    });
  };
}

function describeActions(actions: Readonly<Record<string, string>>): string {
  return Object.entries(actions).map(([action, doc]) => `${action}: ${doc}`).join("; ");
}

/** Adds an option for every setting; the flag by the name that commander gives it. */
function addOptions(command: Command, sections: Settings): ReadonlyMap<string, string> {
  const flagByAttribute = new Map<string, string>();
  for (const { key, flag, variable, setting } of flattenSettings(sections)) {
    const fallback = setting.default === undefined ? "" : `default: ${setting.default || '""'}, `;
    const file = setting.secret ? ` or ${variable}_FILE` : "";
    const doc = `${setting.doc} (${fallback}env: ${variable}${file}, file: ${key})`;
    const option = new Option(`--${flag} <${setting.placeholder}>`, doc);
    flagByAttribute.set(option.attributeName(), flag);
    command.addOption(option);
  }
  return flagByAttribute;
}

function readTextFile(path: string): string {
  return Deno.readTextFileSync(path);
}

async function runLogged<Sections extends Settings & { log: typeof logSettings }>(
  spec: CommandSpec<Sections>,
  { config, names, passedOver }: LoadedConfig<Sections>,
  action: string,
): Promise<void> {
  // Every table has the section `log`; the type cannot follow it through the mapping.
  startLogging((config as { readonly log: LogConfig }).log);
  const log = getLogger(spec.name);
  for (const { variable, value, setting } of passedOver) {
    if (setting) {
      log.warning("Passed over a setting's variable, set for a service beside", {
        variable,
        value,
      });
    } else log.debug("Passed over a variable, set for a service beside", { variable, value });
  }
  using stop = stopSignal();
  try {
    await spec.run(config, { log, signal: stop.signal, terminal: standardTerminal() }, action);
  } catch (error) {
    if (!stop.signal.aborted || error !== stop.signal.reason) throw withNames(error, names);
    outputClosed.throwIfAborted();
    // Of a service that was still waiting for something, a good end.
    if (spec.task) throw new ExitError(`Cannot finish: ${stop.signal.reason.message}`);
  }
  outputClosed.throwIfAborted();
}

/** An error that is for people, of settings by the names that they know. */
function withNames(error: unknown, names: SettingNames): unknown {
  if (error instanceof ConfigError) return error.withNames(names);
  if (!(error instanceof ExitError)) return error;
  return new ExitError(nameKeys(error.message, names), { cause: error });
}

/** Runs the command that the arguments name, and ends the process with its status. */
export async function runCommandLine(program: Command, args: readonly string[]): Promise<never> {
  watchStandardOutput();
  process.exit(await statusOf(program, args));
}

async function statusOf(program: Command, args: readonly string[]): Promise<number> {
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureHelp({ helpWidth: 100 });
  }
  try {
    // `deno task backend -- --help` hands its dashes on.
    await program.parseAsync(args[0] === "--" ? args.slice(1) : args, { from: "user" });
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
