import type { ConfigIssue } from "./config_error.ts";
import { type ConfigSources, findGiven } from "./find_given.ts";
import type { NamedSetting } from "./flatten_settings.ts";

/**
 * Settings in the environment or the file that a command does not use, and that
 * somebody who gave them must not believe to be heeded. Flags are judged as such.
 *
 * @param refused by key: why.
 */
export function refusedSettings(
  refused: Readonly<Record<string, string>>,
  known: readonly NamedSetting[],
  sources: ConfigSources,
  fromFile: ReadonlyMap<string, string>,
): readonly ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  for (const [key, problem] of Object.entries(refused)) {
    const named = known.find((each) => each.key === key);
    if (named === undefined || named.setting.secret) {
      throw new Error(`Cannot refuse ${key}: there is no such setting, or it is a secret`);
    }
    const given = findGiven(named, { ...sources, flags: new Map() }, fromFile, issues);
    if (given !== undefined) issues.push({ name: given.name, key, value: given.text, problem });
  }
  return issues;
}
