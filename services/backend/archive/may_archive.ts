import { ExitError } from "#shared/lifecycle/exit_error.ts";

/**
 * Sees to it that this program may write to the directory at all, before it is
 * asked to: on a terminal Deno would ask the person who sits there.
 *
 * @throws {ExitError} if not.
 */
export async function mayArchive(directory: string): Promise<void> {
  const { state } = await Deno.permissions.query({ name: "write", path: directory });
  if (state === "granted") return;
  throw new ExitError(
    `Cannot archive to ${directory}, which backend.retention.archive is: this program has no ` +
      `permission to write there; start it by deno run with --allow-write=${directory}, or name ` +
      "a directory below .data",
  );
}
