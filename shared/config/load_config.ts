import { ConfigError, type ConfigIssue } from "./config_error.ts";
import { readConfigFile } from "./config_file.ts";
import { type ConfigSources, findGiven, type Given, messageOf, Unreadable } from "./find_given.ts";
import { flattenSettings, type NamedSetting } from "./flatten_settings.ts";
import { refusedSettings } from "./refused_settings.ts";
import type { ConfigOf, Settings } from "./setting.ts";
import type { SettingName, SettingNames } from "./setting_names.ts";
import { misplacedFlags, type PassedOver, strayArguments, strayVariables } from "./stray.ts";
import { type Settled, voidSettings } from "./void_settings.ts";

export type { ConfigSources } from "./find_given.ts";

/** A configuration, with what there is to say of it. */
export interface LoadedConfig<Sections extends Settings> {
  readonly config: ConfigOf<Sections>;
  /** What the person knows each setting by. */
  readonly names: SettingNames;
  readonly passedOver: readonly PassedOver[];
}

/** Settings that are not the command's own. */
export interface OtherSettings {
  /** Good to find in the file and the environment, for other commands, and passed over. */
  readonly unused?: readonly Settings[];
  /** By key: of the unused, those that must not be passed over, and why not. */
  readonly refused?: Readonly<Record<string, string>>;
}

/** The configuration of a command; see `loadNamedConfig`. */
export function loadConfig<Sections extends Settings>(
  command: string,
  sections: Sections,
  sources: ConfigSources,
  others: OtherSettings = {},
): ConfigOf<Sections> {
  return loadNamedConfig(command, sections, sources, others).config;
}

/**
 * The configuration of a command: flags, then environment, then file, then
 * defaults, key by key.
 *
 * @throws {ConfigError} listing everything that is wrong.
 */
export function loadNamedConfig<Sections extends Settings>(
  command: string,
  sections: Sections,
  given: ConfigSources,
  { unused = [], refused = {} }: OtherSettings = {},
): LoadedConfig<Sections> {
  const settings = flattenSettings(sections);
  const known = [...settings, ...unused.flatMap(flattenSettings)];
  const strays = strayVariables(known, given.environment);
  const environment = { ...given.environment };
  for (const { variable } of strays.passedOver) delete environment[variable];
  const sources = { ...given, environment };
  const issues: ConfigIssue[] = [
    ...strayArguments(sources.strayArguments, settings, sources.actions ?? []),
    ...misplacedFlags(command, sources.misplacedFlags ?? new Map()),
    ...strays.issues,
  ];
  const fromFile = readFile(sources, known, issues);

  const config = {};
  const settled = new Map<string, Settled>();
  for (const named of settings) {
    try {
      const given = findGiven(named, sources, fromFile, issues);
      const value = parse(named, given, issues);
      settled.set(named.key, { named, given, value });
      put(config, named, value);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
    }
  }
  issues.push(...refusedSettings(refused, known, sources, fromFile));
  issues.push(...voidSettings(settled));
  if (issues.length > 0) throw new ConfigError(command, issues);
  const names = new Map([...settled].map(([key, each]) => [key, nameOf(each)]));
  // Built key by key from the table that the type is made from.
  return { config: config as ConfigOf<Sections>, names, passedOver: strays.passedOver };
}

function readFile(
  { configFile, readTextFile }: ConfigSources,
  known: readonly NamedSetting[],
  issues: ConfigIssue[],
): ReadonlyMap<string, string> {
  if (configFile === undefined) return new Map();
  try {
    const read = readConfigFile(configFile, readTextFile(configFile), known);
    issues.push(...read.issues);
    return read.values;
  } catch (error) {
    const problem = `cannot read it: ${messageOf(error)}`;
    issues.push({ name: "--config", value: configFile, problem });
    return new Map();
  }
}

/** The value of what was given, or of the default; undefined if there is neither. */
function parse(
  { key, setting }: NamedSetting,
  given: Given | undefined,
  issues: ConfigIssue[],
): unknown {
  const text = given?.text ?? setting.default;
  if (text === undefined) return undefined;
  try {
    return setting.parse(text);
  } catch (error) {
    const value = setting.secret ? "(withheld)" : text;
    issues.push({ name: given?.name, key, value, problem: messageOf(error) });
    throw new Unreadable();
  }
}

function nameOf({ named: { key, flag }, given }: Settled): SettingName {
  const written = given?.name ?? `--${flag}`;
  return { written, full: written.startsWith(key) ? written : `${written} (${key})` };
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
