import type { IgnoredTest } from "./junit_report.ts";
import type { ModuleImport } from "./module_graph.ts";

/** Something that tests need and that was not there. */
export interface MissingService {
  readonly name: string;
  /** The module through which tests use it. */
  readonly support: string;
  /** Commands, any of which would supply it. */
  readonly supply: readonly string[];
}

/** Something that tests are extra for: none need run on it. */
export interface OptionalService {
  readonly name: string;
  /** The tests that use it, and no others, have names of this kind. */
  readonly testsNamed: RegExp;
  /** The command that runs them. */
  readonly supply: string;
}

/** For people to read: how many tests were ignored for want of it, and how to run them. */
export function optionalTestsReport(
  ignored: readonly IgnoredTest[],
  { name, supply }: OptionalService,
): string {
  return `${
    counted(ignored)
  } ignored, for want of ${name}, which is optional\nTo run them: ${supply}\n`;
}

/**
 * For people to read: under each missing service the ignored tests of the files
 * that use it, and how to supply it; then the tests that were ignored for a
 * reason of their own.
 */
export function ignoredTestsReport(
  ignored: readonly IgnoredTest[],
  missing: readonly MissingService[],
  imports: readonly ModuleImport[],
): string {
  const sections: string[] = [];
  const explained = new Set<IgnoredTest>();
  for (const { name, support, supply } of missing) {
    const users = usersOf(support, imports);
    const tests = ignored.filter(({ file }) => users.has(file));
    if (tests.length === 0) continue;
    for (const test of tests) explained.add(test);
    sections.push(
      `${counted(tests)} ignored, for want of ${name}:\n${listed(tests)}` +
        `To run them: ${supply.join("\n         or: ")}\n`,
    );
  }
  const others = ignored.filter((test) => !explained.has(test));
  if (others.length > 0) sections.push(`${counted(others)} ignored:\n${listed(others)}`);
  return sections.join("\n");
}

/** The files that import `module`, directly or through others. */
function usersOf(module: string, imports: readonly ModuleImport[]): ReadonlySet<string> {
  const importers = Map.groupBy(imports, ({ to }) => to);
  const users = new Set<string>();
  const pending = [module];
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    for (const { from } of importers.get(file) ?? []) {
      if (users.has(from)) continue;
      users.add(from);
      pending.push(from);
    }
  }
  return users;
}

function counted(tests: readonly IgnoredTest[]): string {
  return `${tests.length} ${tests.length === 1 ? "test" : "tests"}`;
}

function listed(tests: readonly IgnoredTest[]): string {
  return tests.map(({ file, name }) => `  ${file}: ${name}\n`).join("");
}
