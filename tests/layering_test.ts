import assert from "node:assert/strict";
import { type ModuleImport, moduleImports, sourceFiles } from "../tools/module_graph.ts";

const folders = ["migrations", "services", "shared"];

const imports = await moduleImports(await sourceFiles(folders));
const sources = imports.filter(({ from }) => !isTest(from));

function isTest(file: string): boolean {
  return /_test\.tsx?$/.test(file) || file.startsWith("tests/");
}

/** `services/backend` of `services/backend/store/x.ts`. */
function serviceOf(file: string): string | undefined {
  return /^services\/[^/]+/.exec(file)?.[0];
}

function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf("/"));
}

function refuse(why: string, offending: readonly ModuleImport[]): void {
  const lines = offending.map(({ from, line, to }) => `  ${from}:${line} imports ${to}`);
  assert(offending.length === 0, `${why}:\n${lines.join("\n")}`);
}

Deno.test("The layering is read from real imports", () => {
  assert(
    sources.some(({ from, to }) => serviceOf(from) !== undefined && to.startsWith("shared/")),
    "no service imports shared: the reader sees nothing",
  );
});

Deno.test("Services never import each other; services/cli composes them", () => {
  refuse(
    "A service may not import another",
    sources.filter(({ from, to }) => {
      const [service, other] = [serviceOf(from), serviceOf(to)];
      return service !== undefined && service !== "services/cli" && other !== undefined &&
        service !== other;
    }),
  );
});

Deno.test("shared and migrations never import services", () => {
  refuse(
    "What services stand on may not import them",
    sources.filter(({ from, to }) => serviceOf(from) === undefined && serviceOf(to) !== undefined),
  );
});

Deno.test("Migrations import no other code of the project", () => {
  refuse(
    "A migration must mean the same for ever, so it may not use code that changes",
    sources.filter(({ from, to }) =>
      from.startsWith("migrations/") && !to.startsWith("migrations/")
    ),
  );
});

Deno.test("No program imports tests or tools", () => {
  refuse(
    "Tests and tools are not part of the programs",
    sources.filter(({ to }) => isTest(to) || to.startsWith("tools/") || to.startsWith("bench/")),
  );
});

Deno.test("No cycles between folders", () => {
  const edges = sources.filter(({ from, to }) => folderOf(from) !== folderOf(to));
  const outgoing = Map.groupBy(edges, ({ from }) => folderOf(from));
  const reach = (start: string): ReadonlySet<string> => {
    const seen = new Set<string>();
    const pending = [start];
    for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
      for (const { to } of outgoing.get(folder) ?? []) {
        if (seen.has(folderOf(to))) continue;
        seen.add(folderOf(to));
        pending.push(folderOf(to));
      }
    }
    return seen;
  };
  const reachable = new Map([...outgoing.keys()].map((folder) => [folder, reach(folder)]));
  refuse(
    "These imports close a cycle between folders",
    edges.filter(({ from, to }) => reachable.get(folderOf(to))?.has(folderOf(from))),
  );
});
