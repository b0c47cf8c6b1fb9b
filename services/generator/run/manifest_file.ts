import { dirname } from "node:path";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { formatManifest, parseManifest, type RunManifest } from "./run_manifest.ts";

/**
 * The manifest in `path`; undefined if there is no such file.
 *
 * @throws {ExitError} if the file cannot be read, or is no manifest.
 */
export async function readManifest(path: string): Promise<RunManifest | undefined> {
  try {
    return parseManifest(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new ExitError(`Cannot read the manifest ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

/**
 * Writes the manifest whole or not at all: whoever reads it meanwhile, or
 * after a crash, finds the old one or the new one.
 *
 * @throws {ExitError} if that cannot be done.
 */
export async function writeManifest(path: string, manifest: RunManifest): Promise<void> {
  const temporary = `${path}.${Deno.pid}.tmp`;
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    {
      using file = await Deno.open(temporary, { create: true, truncate: true, write: true });
      await file.write(new TextEncoder().encode(formatManifest(manifest)));
      await file.syncData();
    }
    await Deno.rename(temporary, path);
  } catch (error) {
    const message = `Cannot write the manifest ${path}, set by generator.manifest: ${
      reasonOf(error)
    }`;
    throw new ExitError(message, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotCapable) {
    return "no permission to write there; choose a path below .data/runs, which the task grants, " +
      "or run with --allow-write for the folder";
  }
  return error instanceof Error ? error.message : String(error);
}
