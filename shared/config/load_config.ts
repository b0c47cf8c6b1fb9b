import { readConfigFile } from "./config_file.ts";
import { ConfigError, type ConfigIssue } from "./config_error.ts";
import { flattenSettings, type NamedSetting } from "./flatten_settings.ts";
import type { ConfigOf, Settings } from "./setting.ts";

/** Where a configuration comes from, strongest first. */
export interface ConfigSources {
  /** Texts by flag name, without the dashes. */
  readonly flags: ReadonlyMap<string, string>;
  /** Arguments that are no flag of the command. */
  readonly strayArguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The file that `--config` names. */
  readonly configFile: string | undefined;
  readonly readTextFile: (path: string) => string;
}

interface Given {
  readonly text: string;
  readonly source: string;
}

/**
 * The configuration of a command: flags, then environment, then file, then
 * defaults, key by key. `unused` are the settings of the same sections that
 * other commands use: good to find in the file and the environment, and passed
 * over.
 *
 * @throws {ConfigError} listing everything that is wrong.
 */
export function loadConfig<Sections extends Settings>(
  command: string,
  sections: Sections,
  sources: ConfigSources,
  unused: Settings = {},
): ConfigOf<Sections> {
  const settings = flattenSettings(sections);
  const known = [...settings, ...flattenSettings(unused)];
  const issues: ConfigIssue[] = [
    ...strayFlags(sources.strayArguments),
    ...strayVariables(known, sources.environment),
  ];

  let fromFile: ReadonlyMap<string, string> = new Map();
  if (sources.configFile !== undefined) {
    try {
      const read = readConfigFile(
        sources.configFile,
        sources.readTextFile(sources.configFile),
        known,
      );
      fromFile = read.values;
      issues.push(...read.issues);
    } catch (error) {
      issues.push({
        key: "config",
        value: sources.configFile,
        source: "flag --config",
        problem: `cannot read it: ${messageOf(error)}`,
      });
    }
  }

  const config = {};
  for (const named of settings) {
    try {
      const given = findGiven(named, sources, fromFile, issues);
      put(config, named, given === undefined ? undefined : parse(named, given, issues));
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
    }
  }
  if (issues.length > 0) throw new ConfigError(command, issues);
  // Built key by key from the table that the type is made from.
  return config as ConfigOf<Sections>;
}

/** Thrown once an issue says why a setting has no value. */
class Unreadable extends Error {}

function findGiven(
  { key, flag, variable, setting }: NamedSetting,
  { flags, environment, configFile, readTextFile }: ConfigSources,
  fromFile: ReadonlyMap<string, string>,
  issues: ConfigIssue[],
): Given | undefined {
  const secretFile = setting.secret ? environment[`${variable}_FILE`] : undefined;
  if (secretFile !== undefined && environment[variable] !== undefined) {
    const problem = `set this or ${variable}, not both`;
    issues.push({ key, value: secretFile, source: `variable ${variable}_FILE`, problem });
  }
  const flagText = flags.get(flag);
  if (flagText !== undefined) return { text: flagText, source: `flag --${flag}` };
  const variableText = environment[variable];
  if (variableText !== undefined) return { text: variableText, source: `variable ${variable}` };
  if (secretFile !== undefined) {
    const source = `variable ${variable}_FILE`;
    try {
      return { text: readTextFile(secretFile).replace(/\r?\n$/, ""), source };
    } catch (error) {
      const problem = `cannot read it: ${messageOf(error)}`;
      issues.push({ key, value: secretFile, source, problem });
      throw new Unreadable();
    }
  }
  const fileText = fromFile.get(key);
  if (fileText !== undefined) return { text: fileText, source: `file ${configFile}` };
  return setting.default === undefined ? undefined : { text: setting.default, source: "default" };
}

function parse({ key, setting }: NamedSetting, given: Given, issues: ConfigIssue[]): unknown {
  try {
    return setting.parse(given.text);
  } catch (error) {
    const value = setting.secret ? "(withheld)" : given.text;
    issues.push({ key, value, source: given.source, problem: messageOf(error) });
    throw new Unreadable();
  }
}

/** Without what follows an unknown flag, or its `=`: it may be a secret. */
function strayFlags(args: readonly string[]): readonly ConfigIssue[] {
  return args
    .filter((arg, i) => arg.startsWith("-") || !/^-[^=]*$/.test(args[i - 1] ?? ""))
    .map((arg) => ({
      key: arg.split("=", 1)[0]!,
      value: undefined,
      source: "command line",
      problem: arg.startsWith("-")
        ? "no such flag; --help lists them"
        : "not expected here; --help says what is",
    }));
}

/** Variables that look like this command's and are none: a misspelling must not pass in silence. */
function strayVariables(
  settings: readonly NamedSetting[],
  environment: Readonly<Record<string, string>>,
): readonly ConfigIssue[] {
  const known = new Set(
    settings.flatMap(({ variable, setting }) =>
      setting.secret ? [variable, `${variable}_FILE`] : [variable]
    ),
  );
  const prefixes = new Set(settings.map(({ variable }) => variable.split("_", 2).join("_") + "_"));
  return Object.keys(environment)
    .filter((name) => !known.has(name) && prefixes.has(name.split("_", 2).join("_") + "_"))
    .map((name) => ({
      key: name,
      value: undefined,
      source: "environment",
      problem: "no such variable; --help lists them",
    }));
}

function put(config: object, { key, setting }: NamedSetting, value: unknown): void {
  const camel = (name: string) =>
    name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  const path = key.split(".").map(camel);
  const last = path.pop()! + setting.suffix;
  let place = config as Record<string, unknown>;
  for (const name of path) place = (place[name] ??= {}) as Record<string, unknown>;
  place[last] = value;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
