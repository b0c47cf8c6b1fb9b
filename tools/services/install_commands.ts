/** Commands that install a package on this system, by its names there; none where that is not known. */
export function installCommands(debian: string, homebrew: string): readonly string[] {
  switch (Deno.build.os) {
    case "darwin":
      return [`brew install ${homebrew}`];
    case "linux":
      return [`apt-get install ${debian}`];
    default:
      return [];
  }
}
