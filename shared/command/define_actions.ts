import { Command, Option } from "commander";
import { flattenSettings, type NamedSetting } from "#shared/config/flatten_settings.ts";
import type { Settings } from "#shared/config/setting.ts";
import type { RunnableCommand } from "./command_spec.ts";
import type { Action } from "./define_action.ts";
import { settingOptions } from "./setting_options.ts";
import { versionOf } from "./version.ts";

export interface ActionsSpec {
  readonly name: string;
  /** A sentence for `--help`. */
  readonly summary: string;
  /** What it can do; the first is what it does unless told. */
  readonly actions: readonly [Action, ...Action[]];
  /** Settings of the actions' sections that only other commands use. */
  readonly unused: Settings;
  /** Each has something to bring to an end, so that a stop before that is no good end. */
  readonly task: boolean;
}

/**
 * Makes a command that does several things: each is a command below it, which
 * takes the settings that it uses and no others. They may stand before the
 * action's word as well as after it.
 */
export function defineActions(
  { name, summary, actions, unused, task }: ActionsSpec,
): RunnableCommand {
  return {
    settings: new Map(actions.map((action) => [`${name} ${action.name}`, action.sections])),
    build() {
      const command = new ActionsCommand(name)
        .description(summary)
        .version(versionOf(name), "--version", "say which version this is")
        .addOption(new Option("--config <file>").hideHelp())
        .addHelpText("after", "\nThe settings of each command are in its own --help.");
      // All of them are read here, wherever they stand; those of the actions are for their help.
      const settings = allSettings(actions);
      for (const option of settingOptions(settings)) command.addOption(option.hideHelp());
      const known = [...actions.map(({ sections }) => sections), unused];
      actions.forEach((action, at) => {
        const below = action.build({ whole: name, actions, task, unused: known });
        const isDefault = at === 0;
        if (isDefault) below.summary(`${action.summary} (the default)`);
        command.addCommand(below, { isDefault });
      });
      return command;
    },
  };
}

/** The settings of all actions, each once. */
function allSettings(actions: readonly Action[]): readonly NamedSetting[] {
  const named = actions.flatMap(({ sections }) => flattenSettings(sections));
  return [...new Map(named.map((setting) => [setting.flag, setting])).values()];
}

class ActionsCommand extends Command {
  /** In `--yes drop`, the word after the boolean flag is an action, and no value of the flag. */
  override parseOptions(args: string[]) {
    const isBoolean = (arg: string) =>
      this.options.some(({ long, optional }) => optional && long === arg);
    const isAction = (word: string | undefined) =>
      this.commands.some((command) => command.name() === word);
    return super.parseOptions(
      args.map((arg, at) => isBoolean(arg) && isAction(args[at + 1]) ? `${arg}=true` : arg),
    );
  }
}
