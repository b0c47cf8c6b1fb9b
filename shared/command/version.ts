import project from "../../deno.json" with { type: "json" };

/** What `--version` says: the project's version, and that of what it runs on. */
export function versionOf(program: string): string {
  return `${program} ${project.version} (deno ${Deno.version.deno}, ${Deno.build.target})`;
}
