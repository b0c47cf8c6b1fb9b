import { nameKeys, type SettingNames } from "./setting_names.ts";

/** One thing wrong with the configuration. */
export interface ConfigIssue {
  /**
   * As the person wrote it: `--db-host`, `APP_BACKEND_DB_HOST`, `backend.db.host in app.yaml`.
   * Undefined where only the key is known.
   */
  readonly name?: string | undefined;
  /** The whole key, such as `backend.db.host`; undefined for what is no setting. */
  readonly key?: string | undefined;
  /** As given; a secret's is withheld. */
  readonly value: string | undefined;
  /** What was expected instead, and how to mend it. */
  readonly problem: string;
}

/** Everything wrong with the configuration, at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly issues: readonly ConfigIssue[];
  readonly #command: string;

  constructor(command: string, issues: readonly ConfigIssue[]) {
    super(`Cannot start ${command}: bad configuration\n${issues.map(lineOf).join("\n")}`);
    this.issues = issues;
    this.#command = command;
  }

  /** The same, of settings by the names that the person knows them by. */
  withNames(names: SettingNames): ConfigError {
    const issues = this.issues.map((issue) => {
      if (issue.name !== undefined || issue.key === undefined) return issue;
      const name = names.get(issue.key)?.written;
      return { ...issue, name, problem: nameKeys(issue.problem, names) };
    });
    return new ConfigError(this.#command, issues);
  }
}

function lineOf({ name, key, value, problem }: ConfigIssue): string {
  const written = name ?? key;
  // `--no-queue-durable` says by itself what it is.
  const bare = value === undefined || written?.startsWith("--no-");
  const given = bare ? written : `${written} = ${JSON.stringify(value)}`;
  const also = key === undefined || written?.startsWith(key) ? "" : ` (${key})`;
  return `  ${given}${also}: ${problem}`;
}
