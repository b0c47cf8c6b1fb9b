import type { Command } from "commander";
import type { logSettings } from "#shared/config/log_settings.ts";
import type { ConfigOf, Settings } from "#shared/config/setting.ts";
import type { RunContext } from "./run_context.ts";

/** The settings of a command: every one of them can say how it logs. */
export type CommandSections = Settings & { readonly log: typeof logSettings };

export interface Operands {
  /** What stands for one in `--help`, such as `file`. */
  readonly name: string;
  readonly doc: string;
}

/** A command of the program: its name, its settings and what it does. */
export interface CommandSpec<Sections extends CommandSections> {
  readonly name: string;
  /** A sentence for `--help`. */
  readonly summary: string;
  readonly sections: Sections;
  /** Settings of the same sections that only other commands use. */
  readonly unused?: Settings;
  /** It has something to bring to an end, so that a stop before that is no good end. */
  readonly task?: boolean;
  /** What it takes beside its settings, as often as one likes; nothing unless given. */
  readonly operands?: Operands;
  readonly run: (
    config: ConfigOf<Sections>,
    context: RunContext,
    operands: readonly string[],
  ) => Promise<void>;
}

/** A command, ready to be put on a command line. */
export interface RunnableCommand {
  /** The settings of all that it can do, by the words that call it: `dead-letters list`. */
  readonly settings: ReadonlyMap<string, Settings>;
  build(): Command;
}
