import { dirname } from "node:path";
import { FileInUseError } from "./file_in_use_error.ts";

/**
 * A file that has its name only once it is whole. Until then it is a draft of one
 * writer at a time; what a killed one left is written over.
 */
export class DraftFile implements AsyncDisposable {
  readonly path: string;
  readonly #file: Deno.FsFile;
  #isDraft = true;

  private constructor(path: string, file: Deno.FsFile) {
    this.path = path;
    this.#file = file;
  }

  /** @throws {FileInUseError} if another process writes it. */
  static async open(path: string): Promise<DraftFile> {
    const file = await Deno.open(path, { create: true, read: true, write: true });
    try {
      // The lock goes with its process, however that ends. What was opened may have
      // got its name from the one who held the lock until now.
      if (!await file.tryLock(true) || !await isAt(file, path)) {
        throw new FileInUseError("another process writes there");
      }
      await file.truncate();
    } catch (error) {
      file.close();
      throw error;
    }
    return new DraftFile(path, file);
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#file.write(bytes.subarray(at));
  }

  /** Returns once the disk has it. */
  async sync(): Promise<void> {
    await this.#file.sync();
  }

  /** Gives it its name, for good: a crash of the machine leaves it there. */
  async publish(path: string): Promise<void> {
    await Deno.rename(this.path, path);
    this.#isDraft = false;
    // Windows opens no folder, and needs none to be opened.
    if (Deno.build.os === "windows") return;
    using directory = await Deno.open(dirname(path));
    await directory.sync();
  }

  /** Removes what got no name. */
  async [Symbol.asyncDispose](): Promise<void> {
    // Before the lock is gone with the file.
    if (this.#isDraft) await Deno.remove(this.path).catch(() => {});
    this.#file.close();
  }
}

async function isAt(file: Deno.FsFile, path: string): Promise<boolean> {
  const [{ ino, dev }, there] = [await file.stat(), await Deno.stat(path)];
  return ino === there.ino && dev === there.dev;
}
