import { PGlite } from "@electric-sql/pglite";
import { serverSettings } from "./server_settings.ts";
import { touchOnlyWhatDiffers } from "./touch_only_what_differs.ts";

/**
 * Small segments, since two of them are written at once; and a laptop's disk
 * is told to write once, by whoever shuts the laptop down.
 */
const initdbSettings = ["--set", "shared_buffers=4MB", "--wal-segsize=1", "--no-sync"];

/**
 * Makes the files of a new database in `folder`, which must not exist: in
 * memory first, without the copies that PGlite makes on the way to a disk.
 */
export async function createCluster(folder: string): Promise<void> {
  touchOnlyWhatDiffers();
  const pglite = await PGlite.create("memory://", {
    startParams: serverSettings,
    initDbStartParams: initdbSettings,
  });
  const { FS } = pglite.Module;
  await pglite.close();
  writeTree(FS, PGlite.paths.PGDATA, folder);
}

type FileSystem = PGlite["Module"]["FS"];

function writeTree(from: FileSystem, path: string, folder: string): void {
  Deno.mkdirSync(folder, { mode: 0o700 });
  for (const name of from.readdir(path)) {
    if (name === "." || name === "..") continue;
    const [source, target] = [`${path}/${name}`, `${folder}/${name}`];
    if (from.isDir(from.stat(source).mode)) writeTree(from, source, target);
    else Deno.writeFileSync(target, from.readFile(source), { mode: 0o600 });
  }
}
