import { type FileHandle, open } from "node:fs/promises";
import type { AsyncBuffer } from "hyparquet";

/** A file's bytes, of which a part may be held in memory. */
export class DayFileBytes implements AsyncBuffer, AsyncDisposable {
  readonly byteLength: number;
  readonly #handle: FileHandle;
  #held = { from: 0, bytes: new Uint8Array() };

  private constructor(handle: FileHandle, byteLength: number) {
    this.#handle = handle;
    this.byteLength = byteLength;
  }

  static async open(path: string): Promise<DayFileBytes> {
    const handle = await open(path);
    try {
      return new DayFileBytes(handle, (await handle.stat()).size);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Reads a part at once, from which those within it are then taken. */
  async hold(from: number, length: number): Promise<Uint8Array> {
    const bytes = await this.#read(from, length);
    this.#held = { from, bytes };
    return bytes;
  }

  slice(start: number, end: number = this.byteLength): ArrayBuffer | Promise<ArrayBuffer> {
    const { from, bytes } = this.#held;
    if (start >= from && end <= from + bytes.length) {
      return bytes.slice(start - from, end - from).buffer;
    }
    const read = this.#read(start, end - start).then(({ buffer }) => buffer);
    // The library may leave it unwatched, as when something else failed before.
    read.catch(() => {});
    return read;
  }

  /** @throws {Error} if the file ends before. */
  async #read(from: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (!(from >= 0 && length >= 0 && from + length <= this.byteLength)) {
      throw new Error(`the file has no ${length} bytes at ${from}`);
    }
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const { bytesRead } = await this.#handle.read(bytes, at, length - at, from + at);
      if (bytesRead === 0) throw new Error("the file was cut short meanwhile");
      at += bytesRead;
    }
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}
