import { fileURLToPath, pathToFileURL } from "node:url";

/** An import of one of the project's files by another; paths are below the project's root. */
export interface ModuleImport {
  readonly from: string;
  readonly to: string;
  /** Line of the import in `from`, counted from 1. */
  readonly line: number;
}

interface Resolved {
  readonly specifier?: string;
  readonly span: { readonly start: { readonly line: number } };
}

/** The part of `deno info --json` that is read here. */
interface ModuleInfo {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly code?: Resolved;
      readonly type?: Resolved;
    }[];
  }[];
}

const root = new URL("../", import.meta.url);
const path = (file: string) => fileURLToPath(new URL(file, root));

/** Every `.ts` and `.tsx` file below the folders, by its path below the project's root. */
export async function sourceFiles(folders: readonly string[]): Promise<readonly string[]> {
  const files: string[] = [];
  const pending = [...folders];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    try {
      for await (const { name, isDirectory } of Deno.readDir(new URL(folder, root))) {
        if (isDirectory) pending.push(`${folder}/${name}`);
        else if (/\.tsx?$/.test(name)) files.push(`${folder}/${name}`);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return files.sort();
}

/**
 * The imports that the files make of each other and of the project's others,
 * as Deno itself reads them: static, dynamic with a literal, and of types.
 */
export async function moduleImports(files: readonly string[]): Promise<readonly ModuleImport[]> {
  const entry = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const lines = files.map((file) => `import ${JSON.stringify(new URL(file, root).href)};\n`);
    await Deno.writeTextFile(entry, lines.join(""));
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "info",
        "--json",
        `--config=${path("deno.json")}`,
        `--lock=${path("tests/deno.lock")}`,
        entry,
      ],
    }).output();
    const decoder = new TextDecoder();
    if (!success) throw new Error(`deno info: ${decoder.decode(stderr)}`);
    const { modules }: ModuleInfo = JSON.parse(decoder.decode(stdout));
    return modules.filter(({ specifier }) => specifier !== pathToFileURL(entry).href)
      .flatMap(({ specifier, dependencies = [] }) =>
        dependencies.flatMap(({ code, type }): ModuleImport[] => {
          const resolved = code ?? type;
          if (!resolved?.specifier?.startsWith(root.href)) return [];
          return [{
            from: specifier.slice(root.href.length),
            to: resolved.specifier.slice(root.href.length),
            line: resolved.span.start.line + 1,
          }];
        })
      );
  } finally {
    await Deno.remove(entry);
  }
}
