/** One thing wrong with the configuration. */
export interface ConfigIssue {
  /** The whole key, such as `backend.db.host`. */
  readonly key: string;
  /** As given; a secret's is withheld. */
  readonly value: string | undefined;
  /** Where it was given: `flag --db-host`, `variable APP_BACKEND_DB_HOST`, … */
  readonly source: string;
  /** What was expected instead. */
  readonly problem: string;
}

/** Everything wrong with the configuration, at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly issues: readonly ConfigIssue[];

  constructor(command: string, issues: readonly ConfigIssue[]) {
    const lines = issues.map(({ key, value, source, problem }) =>
      `  ${value === undefined ? key : `${key} = ${JSON.stringify(value)}`} (${source}): ${problem}`
    );
    super(`Cannot start ${command}: bad configuration\n${lines.join("\n")}`);
    this.issues = issues;
  }
}
