/**
 * What deno could not download, and how to do without, in one sentence;
 * undefined for a failure of another kind.
 *
 * @param output what deno printed, without colours.
 */
export function downloadFailure(output: string): string | undefined {
  const [, url, reason] = /error sending request for url \((\S+?)\)(.*)/.exec(output) ??
    /error: .*download\S* .*?(https?:\/\/[^\s'")]+)(.*)/i.exec(output) ?? [];
  if (url === undefined) return undefined;
  const [why] = /dns error|tcp connect error|certificate|status \d+/.exec(reason!) ?? [];
  const mend = url.includes("/denort-")
    ? `set DENORT_BIN to a denort of Deno ${Deno.version.deno} that is here already`
    : 'run "deno install" once';
  return `cannot download ${url}${
    why === undefined ? "" : ` (${why})`
  }; compile where there is a ` +
    `network, or ${mend}`;
}
