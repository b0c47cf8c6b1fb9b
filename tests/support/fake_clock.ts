import assert from "node:assert/strict";
import { findBinary, versionFolders } from "../../tools/services/find_binary.ts";
import { tempFolder } from "../../tools/services/temp_folder.ts";

/** How far a clock is set forward, or with a minus back, from the true time. */
export type ClockOffset = "+0" | "+1d" | "-1d";

/**
 * The wall clock of the processes that are started with `env`, to be set while
 * they run; clocks that nobody can set go on as they do. By libfaketime, which
 * is loaded into a process before all else.
 */
export class FakeClock implements AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;
  readonly #path: string;
  readonly #open: AsyncDisposableStack;

  private constructor(library: string, folder: string, open: AsyncDisposableStack) {
    this.#path = `${folder}/offset`;
    this.#open = open;
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#path,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
  }

  /** One that is right. */
  static async open(): Promise<FakeClock> {
    const library = await findLibrary();
    assert(library !== undefined, "libfaketime is not installed: apt-get install faketime");
    await using open = new AsyncDisposableStack();
    const { path } = open.use(await tempFolder("demo-app-clock-"));
    // PostgreSQL, which runs as another user, reads it.
    await Deno.chmod(path, 0o755);
    const clock = new FakeClock(library, path, open.move());
    await clock.set("+0");
    return clock;
  }

  /** Whoever looks at the clock after this resolves sees it so. */
  async set(offset: ClockOffset): Promise<void> {
    // Whole, since a process may read it at any moment.
    await Deno.writeTextFile(`${this.#path}.new`, `${offset}\n`);
    await Deno.rename(`${this.#path}.new`, this.#path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open.disposeAsync();
  }
}

async function findLibrary(): Promise<string | undefined> {
  const folders = ["/usr/lib", "/usr/lib64", "/usr/local/lib"];
  for (const name of await versionFolders("/usr/lib")) folders.push(`/usr/lib/${name}`);
  return await findBinary("libfaketimeMT.so.1", folders.map((folder) => `${folder}/faketime`));
}
