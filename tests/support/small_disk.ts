import { TempFolder } from "./temp_folder.ts";

/** Whether this process may mount a file system: root may, on Linux, outside of most sandboxes. */
export async function mayMount(): Promise<boolean> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  await using folder = await TempFolder.make();
  try {
    await using _disk = await SmallDisk.mount(folder.path, 4_096);
    return true;
  } catch {
    return false;
  }
}

/** A file system in memory that is soon full. */
export class SmallDisk implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** @param path an empty folder, which becomes the disk's. */
  static async mount(path: string, bytes: number): Promise<SmallDisk> {
    await run("mount", "-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", path);
    return new SmallDisk(path);
  }

  async resize(bytes: number): Promise<void> {
    await run("mount", "-o", `remount,size=${bytes}`, this.path);
  }

  async names(): Promise<string[]> {
    return await Array.fromAsync(Deno.readDir(this.path), ({ name }) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Whoever still has a file there keeps it until it ends.
    await run("umount", "--lazy", this.path);
  }
}

async function run(command: string, ...args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args: [...args] }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
