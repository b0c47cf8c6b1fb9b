import assert from "node:assert/strict";
import { type ModuleImport, moduleImports, sourceFiles } from "../tools/module_graph.ts";

const folders = ["migrations", "services", "shared"];

const imports = await moduleImports(await sourceFiles(folders));
/** Of the programs, not of what their tests import. */
const sources = imports.filter(({ from }) =>
  folders.some((folder) => from.startsWith(`${folder}/`)) && !isTest(from)
);

function isTest(file: string): boolean {
  return /_test\.tsx?$/.test(file) || file.startsWith("tests/");
}

/** `services/backend` of `services/backend/store/x.ts`. */
function serviceOf(file: string): string | undefined {
  return /^services\/[^/]+/.exec(file)?.[0];
}

/**
 * What cycles are looked for between: a file's folder. A service's own folder is
 * no such part, since its main file wires the folders below it and those share
 * its configuration and metrics; each file there stands for itself.
 */
function partOf(file: string): string {
  return /^services\/[^/]+\/[^/]+$/.test(file) ? file : file.slice(0, file.lastIndexOf("/"));
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

/** What each room of the backend may stand on, beside `shared`. */
const backendRooms: Readonly<Record<string, readonly string[]>> = {
  readings: [],
  history: ["readings"],
  store: ["readings", "history"],
  archive: ["readings", "history"],
  retention: ["readings", "store", "archive"],
  ingest: ["readings", "store"],
  jobs: ["readings", "store", "ingest", "retention"],
  rpc_server: [],
  api: ["readings", "store", "rpc_server"],
};

/** `store` of `services/backend/store/x.ts`; undefined for what wires them. */
function backendRoomOf(file: string): string | undefined {
  return /^services\/backend\/([^/]+)\//.exec(file)?.[1];
}

Deno.test("The backend's rooms stand on each other in one direction", () => {
  refuse(
    "A room of the backend may import only those that it stands on",
    sources.filter(({ from, to }) => {
      const [room, other] = [backendRoomOf(from), backendRoomOf(to)];
      if (room === undefined || other === undefined || room === other) return false;
      return !backendRooms[room]?.includes(other);
    }),
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
  const edges = sources.filter(({ from, to }) => partOf(from) !== partOf(to));
  const outgoing = Map.groupBy(edges, ({ from }) => partOf(from));
  const reach = (start: string): ReadonlySet<string> => {
    const seen = new Set<string>();
    const pending = [start];
    for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
      for (const { to } of outgoing.get(part) ?? []) {
        if (seen.has(partOf(to))) continue;
        seen.add(partOf(to));
        pending.push(partOf(to));
      }
    }
    return seen;
  };
  const reachable = new Map([...outgoing.keys()].map((part) => [part, reach(part)]));
  refuse(
    "These imports close a cycle between folders",
    edges.filter(({ from, to }) => reachable.get(partOf(to))?.has(partOf(from))),
  );
});
