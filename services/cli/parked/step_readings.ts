/** Readings that one statement moves or deletes, at most. */
export const stepReadings = 10_000;
