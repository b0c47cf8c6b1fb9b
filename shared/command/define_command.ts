import type { CommandSections, CommandSpec, RunnableCommand } from "./command_spec.ts";
import { settingsCommand } from "./settings_command.ts";

/** Makes a command that does one thing; see `defineActions` for more. */
export function defineCommand<Sections extends CommandSections>(
  spec: CommandSpec<Sections>,
): RunnableCommand {
  const unused = spec.unused === undefined ? [] : [spec.unused];
  return {
    settings: new Map([[spec.name, spec.sections]]),
    build: () => settingsCommand(spec, { unused }),
  };
}
