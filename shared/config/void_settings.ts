import type { ConfigIssue } from "./config_error.ts";
import type { Given } from "./find_given.ts";
import type { NamedSetting } from "./flatten_settings.ts";

/** A setting of a command, what was given for it, and the value that it has. */
export interface Settled {
  readonly named: NamedSetting;
  /** Undefined where the default holds. */
  readonly given: Given | undefined;
  readonly value: unknown;
}

/** Settings that somebody gave and that have no effect, by what another one says. */
export function voidSettings(settled: ReadonlyMap<string, Settled>): readonly ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  for (const { named: { key, flag, setting }, given: cause, value } of settled.values()) {
    const rule = value === undefined ? undefined : setting.voids?.(value);
    const section = key.slice(0, key.lastIndexOf(".") + 1);
    for (const name of rule?.settings ?? []) {
      const victim = settled.get(section + name);
      if (victim?.given === undefined) continue;
      issues.push({
        name: victim.given.name,
        key: victim.named.key,
        value: victim.named.setting.secret ? "(withheld)" : victim.given.text,
        problem: cause === undefined
          ? `it has no effect on ${setting.default}, the default of --${flag} (${key}); ` +
            `leave it out, or give ${rule!.instead} there`
          : `it has no effect beside ${cause.name}; leave out one of the two`,
      });
    }
  }
  return issues;
}
