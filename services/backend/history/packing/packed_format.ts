/** The first byte: what the others mean, as docs/history_format.md describes it. */
export const format = 1;

/** Readings in one packed form: far more than a device has in the longest time that is not split. */
export const mostReadings = 2 ** 24;

/** In the byte after the count. */
export const withNanos = 1;
export const withOddTieBreaks = 2;

export const checksumBytes = 4;
