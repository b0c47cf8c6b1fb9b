import { Command } from "commander";
import { flattenSettings } from "#shared/config/flatten_settings.ts";
import { loadNamedConfig, type OtherSettings } from "#shared/config/load_config.ts";
import type { Settings } from "#shared/config/setting.ts";
import type { CommandSections, CommandSpec } from "./command_spec.ts";
import { runLogged } from "./run_logged.ts";
import { givenFlags, settingOptions } from "./setting_options.ts";
import { versionOf } from "./version.ts";

/** Where a command has its place, if it is one action of several. */
export interface ActionPlace {
  /** The name of the whole, such as `dead-letters`. */
  readonly whole: string;
  /** All its actions. */
  readonly actions: readonly Pick<CommandSpec<CommandSections>, "name" | "sections">[];
  /** Each has something to bring to an end, so that a stop before that is no good end. */
  readonly task: boolean;
  /** Settings of the same sections that other actions, or other commands, use. */
  readonly unused: readonly Settings[];
}

/** A command that loads its configuration, and runs with it. */
export function settingsCommand<Sections extends CommandSections>(
  { name, summary, sections, task = false, operands, run }: Omit<CommandSpec<Sections>, "unused">,
  others: OtherSettings,
  place?: ActionPlace,
): Command {
  const title = place === undefined ? name : `${place.whole} ${name}`;
  const logger = place?.whole ?? name;
  const settings = flattenSettings(sections);
  const command = new Command(name)
    .description(summary)
    .version(versionOf(logger), "--version", "say which version this is")
    // What is wrong here is reported with all else that is. Commander's own words would repeat the
    // value of an unknown flag, which may be a secret.
    .allowUnknownOption()
    .allowExcessArguments()
    .option("--config <file>", "YAML file with any of the keys below");
  for (const option of settingOptions(settings)) command.addOption(option);
  if (operands !== undefined) command.argument(`[${operands.name}...]`, operands.doc);
  return command.action(async () => {
    const options = command.optsWithGlobals<Readonly<Record<string, unknown>>>();
    const actions = place?.actions ?? [];
    const isOperand = (arg: string) => operands !== undefined && !arg.startsWith("-");
    const loaded = loadNamedConfig(title, sections, {
      ...givenFlags(options, settings),
      strayArguments: command.args.filter((arg) => !isOperand(arg)),
      misplacedFlags: flagsOfOthers(options, settings.map(({ flag }) => flag), actions),
      // It may be here only since no action was named, or none that there is.
      actions: command.parent?.args[0] === name ? [] : actions.map(({ name }) => name),
      environment: Deno.env.toObject(),
      // The option wants a text.
      configFile: options["config"] as string | undefined,
      readTextFile: (path) => Deno.readTextFileSync(path),
    }, others);
    const given = command.args.filter(isOperand);
    await runLogged(run, loaded, { logger, task, operands: given });
  });
}

/** By how they are written: the flags given that are none of `own`, with the actions that use them. */
function flagsOfOthers(
  options: Readonly<Record<string, unknown>>,
  own: readonly string[],
  actions: ActionPlace["actions"],
): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>();
  for (const { name, sections } of actions) {
    const { flags, negated } = givenFlags(options, flattenSettings(sections));
    for (const flag of flags.keys()) {
      if (own.includes(flag)) continue;
      const written = negated.has(flag) ? `--no-${flag}` : `--${flag}`;
      users.set(written, [...users.get(written) ?? [], name]);
    }
  }
  return users;
}
