import { findBinary, isFile, pathFolders } from "./find_binary.ts";
import { ServiceError } from "./service.ts";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/** Where installers put it when they leave `PATH` alone. */
function usualPaths(): readonly string[] {
  switch (Deno.build.os) {
    case "darwin": {
      const homes = ["/Applications", `${Deno.env.get("HOME") ?? ""}/Applications`];
      return homes.flatMap((home) =>
        ["Google Chrome", "Chromium", "Microsoft Edge"].map((name) =>
          `${home}/${name}.app/Contents/MacOS/${name}`
        )
      );
    }
    case "windows": {
      const homes = ["ProgramFiles", "ProgramFiles(x86)", "LOCALAPPDATA"]
        .flatMap((name) => Deno.env.get(name) ?? []);
      const paths = ["Google\\Chrome", "Chromium", "Microsoft\\Edge"];
      return homes.flatMap((home) =>
        paths.map((path) =>
          `${home}\\${path}\\Application\\${path.endsWith("Edge") ? "msedge" : "chrome"}.exe`
        )
      );
    }
    default:
      return ["/snap/bin/chromium", "/opt/google/chrome/chrome"];
  }
}

/**
 * A Chromium, Chrome or Edge: the one that `TEST_CHROMIUM` names, or else the
 * first on `PATH` or in the usual places; undefined if there is none.
 *
 * @throws {ServiceError} if the variable names no file.
 */
export async function findChromium(named: string | undefined): Promise<string | undefined> {
  if (named) {
    if (await isFile(named)) return named;
    throw new ServiceError(`TEST_CHROMIUM names ${named}, which is no file`);
  }
  for (const name of names) {
    const path = await findBinary(name, pathFolders());
    if (path !== undefined) return path;
  }
  for (const path of usualPaths()) {
    if (await isFile(path)) return path;
  }
  return undefined;
}
