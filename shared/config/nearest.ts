/**
 * The candidate that was most likely meant by a misspelt name; undefined if
 * none is close: of what follows the parts that are the same, a third may differ.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: { readonly candidate: string; readonly distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < (best?.distance ?? Infinity)) best = { candidate, distance };
  }
  if (best === undefined) return undefined;
  const { candidate, distance } = best;
  const rest = Math.max(word.length, candidate.length) - sameParts(word, candidate);
  return distance <= Math.max(1, Math.floor(rest / 3)) ? candidate : undefined;
}

/** How long the parts are, with their separators, that both begin with. */
function sameParts(word: string, other: string): number {
  let same = 0;
  for (let i = 0; i < word.length && word[i] === other[i]; i++) {
    if (/[._-]/.test(word[i]!)) same = i + 1;
  }
  return same;
}

/**
 * Letters to insert, remove, replace, or swap with their neighbour: the
 * Damerau-Levenshtein distance, no letter being changed twice.
 */
export function editDistance(from: string, to: string): number {
  // Rows of the table for one letter of `from` more, the newest last.
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const differs = from[i - 1] === to[j - 1] ? 0 : 1;
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + differs);
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        least = Math.min(least, beforeLast[j - 2]! + 1);
      }
      row.push(least);
    }
    [beforeLast, last] = [last, row];
  }
  return last[to.length]!;
}

/** `no such flag; did you mean --db-host? --help lists them` */
export function noSuch(thing: string, ...meant: readonly (string | undefined)[]): string {
  const known = meant.filter((each) => each !== undefined);
  const hint = known.length === 0 ? "" : `did you mean ${known.join(" or ")}? `;
  return `no such ${thing}; ${hint}--help lists them`;
}
