/** A test that did not run. */
export interface IgnoredTest {
  /** Its module, below the folder that the tests ran in. */
  readonly file: string;
  readonly name: string;
}

const testCase = /<testcase name="([^"]*)" classname="([^"]*)"[^>]*>\s*<skipped/g;
const entities: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&amp;": "&",
};

/** The ignored tests and steps in a JUnit report of `deno test`. */
export function ignoredTests(report: string): readonly IgnoredTest[] {
  return [...report.matchAll(testCase)].map(([, name, file]) => ({
    name: unescape(name!),
    file: unescape(file!).replace(/^\.\//, ""),
  }));
}

function unescape(text: string): string {
  return text
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replace(/&(lt|gt|quot|apos|amp);/g, (entity) => entities[entity]!);
}
