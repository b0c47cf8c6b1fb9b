import { statfs } from "node:fs/promises";
import { listenerPid } from "./process_usage.ts";

/**
 * Free bytes on the disk of a server; undefined where it is not on this machine,
 * or does not tell where its files are.
 *
 * @param dataDirectory asks it for that
 */
export async function freeBytes(
  url: string,
  dataDirectory: () => Promise<string>,
): Promise<number | undefined> {
  if (await listenerPid(url) === undefined) return undefined;
  try {
    const disk = await statfs(await dataDirectory());
    return disk.bavail * disk.bsize;
  } catch {
    return undefined;
  }
}
