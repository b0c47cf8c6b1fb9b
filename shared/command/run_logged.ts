import { getLogger } from "@logtape/logtape";
import { ConfigError } from "#shared/config/config_error.ts";
import type { LoadedConfig } from "#shared/config/load_config.ts";
import type { LogConfig } from "#shared/config/log_settings.ts";
import { nameKeys, type SettingNames } from "#shared/config/setting_names.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { stopSignal } from "#shared/lifecycle/stop_signal.ts";
import { startLogging } from "#shared/observability/logging.ts";
import { outputClosed } from "#shared/output/standard_output.ts";
import { standardTerminal } from "#shared/output/status_line.ts";
import type { CommandSections, CommandSpec } from "./command_spec.ts";

/**
 * Starts logging, and runs a command until it ends or the process is told to stop.
 *
 * @throws {ExitError} if it could not start or go on, or is a task and was stopped.
 * @throws {OutputClosedError} if it ended since nobody read what it printed.
 */
export async function runLogged<Sections extends CommandSections>(
  run: CommandSpec<Sections>["run"],
  { config, names, passedOver }: LoadedConfig<Sections>,
  { logger, task, operands }: {
    readonly logger: string;
    readonly task: boolean;
    readonly operands: readonly string[];
  },
): Promise<void> {
  // Every table has the section `log`; the type cannot follow it through the mapping.
  startLogging((config as { readonly log: LogConfig }).log);
  const log = getLogger(logger);
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
    await run(config, { log, signal: stop.signal, terminal: standardTerminal() }, operands);
  } catch (error) {
    if (!stop.signal.aborted || error !== stop.signal.reason) throw withNames(error, names);
    outputClosed.throwIfAborted();
    // Of a service that was still waiting for something, a good end.
    if (task) throw new ExitError(`Cannot finish: ${stop.signal.reason.message}`);
  }
  outputClosed.throwIfAborted();
}

/** An error that is for people, of settings by the names that they know. */
function withNames(error: unknown, names: SettingNames): unknown {
  if (error instanceof ConfigError) return error.withNames(names);
  if (!(error instanceof ExitError)) return error;
  return new ExitError(nameKeys(error.message, names), { cause: error });
}
