import type { Command } from "commander";
import type { CommandSections, CommandSpec } from "./command_spec.ts";
import { type ActionPlace, settingsCommand } from "./settings_command.ts";

/** One of the things that a command does: a command below it, with settings of its own. */
export interface ActionSpec<Sections extends CommandSections>
  extends Omit<CommandSpec<Sections>, "unused" | "task"> {
  /**
   * By key: settings of other actions that this one must not pass over where the environment or
   * the file has them, and why not.
   */
  readonly refused?: Readonly<Record<string, string>>;
}

/** An action, ready to be put below its command. */
export interface Action {
  readonly name: string;
  readonly summary: string;
  readonly sections: CommandSections;
  build(place: ActionPlace): Command;
}

/** Makes an action of a command; see `defineActions`. */
export function defineAction<Sections extends CommandSections>(
  { refused = {}, ...spec }: ActionSpec<Sections>,
): Action {
  return {
    name: spec.name,
    summary: spec.summary,
    sections: spec.sections,
    build: (place) =>
      settingsCommand({ ...spec, task: place.task }, { unused: place.unused, refused }, place),
  };
}
