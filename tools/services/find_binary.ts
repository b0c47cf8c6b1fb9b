const windows = Deno.build.os === "windows";

/** Folders of the variable `PATH`. */
export function pathFolders(): readonly string[] {
  return (Deno.env.get("PATH") ?? "").split(windows ? ";" : ":").filter((folder) => folder !== "");
}

/** The first of `folders` that holds a file `name`, joined with it. */
export async function findBinary(
  name: string,
  folders: readonly string[],
): Promise<string | undefined> {
  for (const folder of folders) {
    const path = windows ? `${folder}\\${name}.exe` : `${folder}/${name}`;
    if (await isFile(path)) return path;
  }
  return undefined;
}

export async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

/** Names of the folders below `folder`, highest version first; none if it does not exist. */
export async function versionFolders(folder: string): Promise<readonly string[]> {
  try {
    const names = (await Array.fromAsync(Deno.readDir(folder)))
      .filter(({ isFile }) => !isFile)
      .map(({ name }) => name);
    return names.sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
  } catch {
    return [];
  }
}
