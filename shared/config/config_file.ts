import { parseDocument } from "yaml";
import type { ConfigIssue } from "./config_error.ts";
import type { NamedSetting } from "./flatten_settings.ts";

/** Sections that a file may have, whichever command reads it. */
const knownSections = ["log", "generator", "backend", "frontend", "verify"];

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
  const source = `file ${path}`;
  const issue = (key: string, problem: string) =>
    issues.push({ key, value: undefined, source, problem });

  const document = parseDocument(text, { schema: "failsafe" });
  for (const error of document.errors) {
    issue(path, `expected YAML: ${error.message.split("\n")[0]}`);
  }
  if (issues.length > 0) return { values, issues };

  const keys = new Set(settings.map(({ key }) => key));
  const groups = new Set(
    settings.flatMap(({ key }) => key.split(".").map((_, i, path) => path.slice(0, i).join("."))),
  );
  const descend = (entry: unknown, key: string) => {
    if (keys.has(key)) {
      if (typeof entry === "string") values.set(key, entry);
      else issue(key, "expected a single value");
    } else if (!groups.has(key)) {
      if (!knownSections.includes(key)) issue(key, "no such key; --help lists them");
    } else if (typeof entry === "object" && entry !== null && !Array.isArray(entry)) {
      for (const [name, value] of Object.entries(entry)) {
        descend(value, key === "" ? name : `${key}.${name}`);
      }
    } else if (entry !== "" && entry !== null) {
      issue(key === "" ? path : key, "expected keys with values below it");
    }
  };
  descend(document.toJS(), "");
  return { values, issues };
}
