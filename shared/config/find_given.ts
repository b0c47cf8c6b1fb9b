import type { ConfigIssue } from "./config_error.ts";
import type { NamedSetting } from "./flatten_settings.ts";

/** Where a configuration comes from, strongest first. */
export interface ConfigSources {
  /** Texts by flag name, without the dashes. */
  readonly flags: ReadonlyMap<string, string>;
  /** Those that were written with `--no-` before them. */
  readonly negated?: ReadonlySet<string>;
  /** Arguments that are no flag of the command. */
  readonly strayArguments: readonly string[];
  /** Flags as they were written that only other actions of the command use, and which these are. */
  readonly misplacedFlags?: ReadonlyMap<string, readonly string[]>;
  /** What the command can be told to do, by the words for it, where no word has said so yet. */
  readonly actions?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The file that `--config` names. */
  readonly configFile: string | undefined;
  readonly readTextFile: (path: string) => string;
}

/** What somebody gave for a setting. */
export interface Given {
  readonly text: string;
  /** As it was written: `--db-host`, `APP_BACKEND_DB_HOST`, `backend.db.host in app.yaml`. */
  readonly name: string;
}

/** Thrown once an issue says why a setting has no value. */
export class Unreadable extends Error {}

/**
 * What the strongest source gives; undefined if none does.
 *
 * @throws {Unreadable} if it names a file that cannot be read.
 */
export function findGiven(
  { key, flag, variable, setting }: NamedSetting,
  { flags, negated, environment, configFile, readTextFile }: ConfigSources,
  fromFile: ReadonlyMap<string, string>,
  issues: ConfigIssue[],
): Given | undefined {
  const fileVariable = `${variable}_FILE`;
  const secretFile = setting.secret ? environment[fileVariable] : undefined;
  if (secretFile !== undefined && environment[variable] !== undefined) {
    const problem = `set this or ${variable}, not both`;
    issues.push({ name: fileVariable, key, value: secretFile, problem });
  }
  const flagText = flags.get(flag);
  if (flagText !== undefined) {
    return { text: flagText, name: negated?.has(flag) ? `--no-${flag}` : `--${flag}` };
  }
  const variableText = environment[variable];
  if (variableText !== undefined) return { text: variableText, name: variable };
  if (secretFile !== undefined) {
    try {
      return { text: readTextFile(secretFile).replace(/\r?\n$/, ""), name: fileVariable };
    } catch (error) {
      const problem = `cannot read it: ${messageOf(error)}`;
      issues.push({ name: fileVariable, key, value: secretFile, problem });
      throw new Unreadable();
    }
  }
  const fileText = fromFile.get(key);
  return fileText === undefined ? undefined : { text: fileText, name: `${key} in ${configFile}` };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
