/** How a table of the newest rows gets from what it shows to what it should. */
export type WindowChange =
  | { readonly kind: "insert"; readonly runs: readonly InsertedRun[] }
  | { readonly kind: "replace" };

/** Consecutive new rows, and the row that they go below; undefined at the top. */
export interface InsertedRun {
  readonly below: string | undefined;
  readonly keys: readonly string[];
}

/**
 * Compares two windows of at most `limit` rows each, newest first, by the keys
 * of their rows. New rows are inserted wherever they belong, so a late one goes
 * below those that are newer. Where insertion cannot do it (nothing in common,
 * so that rows between may be missing; rows that are gone) the table is
 * replaced. `shown` is undefined where nobody knows what is shown.
 */
export function windowChange(
  shown: readonly string[] | undefined,
  current: readonly string[],
  limit: number,
): WindowChange {
  const replace: WindowChange = { kind: "replace" };
  if (shown === undefined) return replace;
  if (shown.length === 0) return current.length === 0 ? { kind: "insert", runs: [] } : replace;

  const wasShown = new Set(shown);
  const kept = current.filter((key) => wasShown.has(key));
  const pushedOut = kept.length < shown.length;
  if (kept.length === 0 || kept.some((key, i) => key !== shown[i])) return replace;
  if (pushedOut && current.length < limit) return replace;

  const runs: { below: string | undefined; keys: string[] }[] = [];
  let below: string | undefined;
  let run: string[] | undefined;
  for (const key of current) {
    if (wasShown.has(key)) {
      below = key;
      run = undefined;
    } else if (run === undefined) {
      run = [key];
      runs.push({ below, keys: run });
    } else {
      run.push(key);
    }
  }
  return { kind: "insert", runs };
}
