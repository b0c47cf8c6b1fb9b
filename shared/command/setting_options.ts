import { Option, type OptionValues } from "commander";
import type { NamedSetting } from "#shared/config/flatten_settings.ts";

/**
 * An option for each setting. A boolean one is given as `--flag`,
 * `--flag=true`, `--flag=false` or `--no-flag`.
 */
export function settingOptions(settings: readonly NamedSetting[]): readonly Option[] {
  return settings.flatMap(({ key, flag, variable, setting }) => {
    const { boolean = false, placeholder } = setting;
    const fallback = setting.default === undefined ? "" : `default: ${setting.default || '""'}, `;
    const off = boolean ? `off: --no-${flag}, ` : "";
    const file = setting.secret ? ` or ${variable}_FILE` : "";
    const doc = `${setting.doc} (${fallback}${off}env: ${variable}${file}, file: ${key})`;
    if (!boolean) return [new Option(`--${flag} <${placeholder}>`, doc)];
    return [
      new Option(`--${flag} [${placeholder}]`, doc),
      new Option(`--no-${flag}`).hideHelp(),
    ];
  });
}

/** Texts by flag of what was given for the settings, and which flags had `--no-` before them. */
export interface GivenFlags {
  readonly flags: ReadonlyMap<string, string>;
  readonly negated: ReadonlySet<string>;
}

/** What commander has read for the options of these settings. */
export function givenFlags(options: OptionValues, settings: readonly NamedSetting[]): GivenFlags {
  const flags = new Map<string, string>();
  const negated = new Set<string>();
  for (const { flag } of settings) {
    // A text; or true for a flag that stands alone, false for one that begins with `--no-`.
    const given: unknown = options[new Option(`--${flag}`).attributeName()];
    if (given !== undefined) flags.set(flag, String(given));
    if (given === false) negated.add(flag);
  }
  return { flags, negated };
}
