import type { ConfigIssue } from "./config_error.ts";
import type { NamedSetting } from "./flatten_settings.ts";
import { nearest, noSuch } from "./nearest.ts";
import { isServiceLink } from "./service_link.ts";

/** Flags that every command has beside its settings. */
const commonFlags = ["--config", "--help", "--version"];

/** Flags that were given to an action, and that others than it use. */
export function misplacedFlags(
  command: string,
  flags: ReadonlyMap<string, readonly string[]>,
): readonly ConfigIssue[] {
  return [...flags].map(([name, actions]) => {
    const users = new Intl.ListFormat("en-GB").format(actions);
    const problem = `${command} does not use it; ${users} ${actions.length === 1 ? "does" : "do"}`;
    return { name, value: undefined, problem };
  });
}

/**
 * Without what follows an unknown flag, or its `=`: it may be a secret.
 *
 * @param actions what the first word may be, if it may be anything.
 */
export function strayArguments(
  args: readonly string[],
  settings: readonly NamedSetting[],
  actions: readonly string[],
): readonly ConfigIssue[] {
  const strays = args.filter((arg, i) =>
    arg.startsWith("-") || !/^-[^=]*$/.test(args[i - 1] ?? "")
  );
  const firstWord = strays.find((arg) => !arg.startsWith("-"));
  return strays.map((arg) => {
    const name = arg.split("=", 1)[0]!;
    const problem = arg.startsWith("-")
      ? noSuchFlag(name, settings)
      : arg === firstWord && actions.length > 0 && !actions.includes(arg)
      ? noSuch("action", nearest(arg, actions))
      : "not expected here; --help says what is";
    return { name, value: undefined, problem };
  });
}

/** Suggests a flag that is written like it, or else one that says more, or less, of its key. */
function noSuchFlag(name: string, settings: readonly NamedSetting[]): string {
  const flags = [
    ...settings.flatMap(({ flag, setting }) =>
      setting.boolean ? [`--${flag}`, `--no-${flag}`] : [`--${flag}`]
    ),
    ...commonFlags,
  ];
  const near = nearest(name, flags);
  // Only such a flag is not read as what it is when something follows its `=`.
  if (near === name && /^--(no-|help$|version$)/.test(name)) return "it takes no value";
  if (near !== undefined) return noSuch("flag", near);
  const related = settings.filter(({ key, flag }) =>
    flag.endsWith(name.slice(1)) || key.replace(/[._]/g, "-") === name.slice(2)
  );
  return noSuch("flag", ...related.map(({ flag }) => `--${flag}`));
}

/** A variable of the environment that is passed over. */
export interface PassedOver {
  readonly variable: string;
  readonly value: string;
  /** Whether it has the name of a setting. */
  readonly setting: boolean;
}

/**
 * Variables that look like this command's and are none: a misspelling must not
 * pass in silence. What Kubernetes sets for the services around is passed over,
 * even where it has the name of a setting.
 */
export function strayVariables(
  settings: readonly NamedSetting[],
  environment: Readonly<Record<string, string>>,
): { readonly issues: readonly ConfigIssue[]; readonly passedOver: readonly PassedOver[] } {
  const known = new Set(
    settings.flatMap(({ variable, setting }) =>
      setting.secret ? [variable, `${variable}_FILE`] : [variable]
    ),
  );
  const sectionOf = (name: string) => name.split("_", 2).join("_");
  const sections = new Set(settings.map(({ variable }) => sectionOf(variable)));
  const issues: ConfigIssue[] = [];
  const passedOver: PassedOver[] = [];
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.includes("_") || !sections.has(sectionOf(variable))) continue;
    const setting = known.has(variable);
    if (isServiceLink(variable, value)) passedOver.push({ variable, value, setting });
    else if (!setting && variable !== sectionOf(variable)) {
      const problem = noSuch("variable", nearest(variable, known));
      issues.push({ name: variable, value: undefined, problem });
    }
  }
  return { issues, passedOver };
}
