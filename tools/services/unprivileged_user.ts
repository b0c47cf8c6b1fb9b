import { ServiceError } from "./service.ts";

/** Whom to run a server as that refuses root; undefined to stay who we are. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** @throws {ServiceError} if we are root, and there is nobody else. */
export async function unprivilegedUser(): Promise<ServerUser | undefined> {
  if (Deno.build.os === "windows" || Deno.uid() !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    const [uid, gid] = [await idOf(name, "-u"), await idOf(name, "-g")];
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new ServiceError("The server refuses to run as root, and no other user was found");
}

async function idOf(user: string, kind: "-u" | "-g"): Promise<number | undefined> {
  const { success, stdout } = await new Deno.Command("id", { args: [kind, user], stderr: "null" })
    .output();
  return success ? Number(new TextDecoder().decode(stdout)) : undefined;
}
