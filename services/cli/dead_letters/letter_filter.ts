import type { Letter } from "./letter.ts";

export interface LetterFilter {
  readonly queue: string | undefined;
  readonly id: string | undefined;
  readonly reason: string | undefined;
  readonly olderThanMs: number | undefined;
  readonly newerThanMs: number | undefined;
}

/** Whether any filter was given. */
export function isNarrow(
  { queue, id, reason, olderThanMs, newerThanMs }: LetterFilter,
): boolean {
  return [queue, id, reason, olderThanMs, newerThanMs].some((given) => given !== undefined);
}

/**
 * Whether a letter passes every filter but that of its queue. One that does not
 * say when it was dead-lettered passes no filter by age.
 *
 * @param nowMs Unix milliseconds
 */
export function matches(letter: Letter, filter: LetterFilter, nowMs: number): boolean {
  const { id, reason, olderThanMs, newerThanMs } = filter;
  const ageMs = letter.timeMs === undefined ? NaN : nowMs - letter.timeMs;
  return (id === undefined || letter.id === id) &&
    (reason === undefined || letter.reason === reason) &&
    (olderThanMs === undefined || ageMs > olderThanMs) &&
    (newerThanMs === undefined || ageMs < newerThanMs);
}
