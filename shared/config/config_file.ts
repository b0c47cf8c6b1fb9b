import { type Document, parseDocument, visit } from "yaml";
import type { ConfigIssue } from "./config_error.ts";
import { configSections } from "./config_sections.ts";
import type { NamedSetting } from "./flatten_settings.ts";
import { nearest, noSuch } from "./nearest.ts";

/**
 * Texts by whole key, of the sections that the command has; the others are for
 * other commands to judge. Every scalar is kept as it was written, so that a
 * password of digits stays one.
 */
export function readConfigFile(
  path: string,
  text: string,
  settings: readonly NamedSetting[],
): { readonly values: ReadonlyMap<string, string>; readonly issues: readonly ConfigIssue[] } {
  const values = new Map<string, string>();
  const issues: ConfigIssue[] = [];
  const issue = (key: string, problem: string) => {
    const name = key === path ? path : `${key} in ${path}`;
    issues.push({ name, value: undefined, problem });
  };

  const document = parseDocument(text, { schema: "failsafe" });
  const problems = problemsOf(document);
  let content: unknown;
  try {
    if (problems.length === 0) content = document.toJS();
  } catch {
    // What the alias is called may be a secret.
    problems.push(`an alias to nothing, or to too much; ${quoteIt}`);
  }
  for (const problem of problems) issue(path, `expected YAML: ${problem}`);
  if (problems.length > 0) return { values, issues };

  const keys = new Set(settings.map(({ key }) => key));
  const groups = new Set(
    settings.flatMap(({ key }) => key.split(".").map((_, i, path) => path.slice(0, i).join("."))),
  );
  const descend = (entry: unknown, key: string) => {
    if (keys.has(key)) {
      if (typeof entry === "string") values.set(key, entry);
      else issue(key, "expected a single value");
    } else if (!groups.has(key)) {
      if (configSections.includes(key)) return;
      issue(key, noSuch("key", nearest(key, key.includes(".") ? keys : configSections)));
    } else if (typeof entry === "object" && entry !== null && !Array.isArray(entry)) {
      for (const [name, value] of Object.entries(entry)) {
        // A dotted name is no path to a key.
        const below = name.replaceAll(".", "\\.");
        descend(value, key === "" ? below : `${key}.${below}`);
      }
    } else if (entry !== "" && entry !== null) {
      issue(key === "" ? path : key, "expected keys with values below it");
    }
  };
  descend(content, "");
  return { values, issues };
}

const quoteIt = "put text that begins with *, & or ! in quotes";

/** What is wrong with the file, without a word of its text, which may hold a secret. */
function problemsOf(document: Document): string[] {
  // The first line: the others show the text.
  const problems = document.errors.map(({ message }) => message.split("\n", 1)[0]!);
  for (const { code, linePos } of document.warnings) {
    if (code !== "TAG_RESOLVE_FAILED") continue;
    problems.push(`an unknown tag at line ${linePos?.[0].line}; ${quoteIt}`);
  }
  visit(document, {
    Scalar(_key, { anchor, source }) {
      if (anchor !== undefined && source === "") problems.push(`an anchor of nothing; ${quoteIt}`);
    },
  });
  return problems;
}
