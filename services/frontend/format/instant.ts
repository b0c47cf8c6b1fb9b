/** Milliseconds since 1970 of an instant on the wire; NaN where no date can hold it. */
export function instantMs(seconds: bigint, nanos = 0): number {
  const ms = Number(seconds) * 1_000 + Math.floor(nanos / 1_000_000);
  return Math.abs(ms) <= 8.64e15 ? ms : NaN;
}

/** `2025-06-01 12:00:00`, with milliseconds unless they are zero; in UTC. */
export function utcText(ms: number): string {
  if (Number.isNaN(ms)) return "unknown";
  return new Date(ms).toISOString().replace("T", " ").replace(/(?:\.000)?Z$/, "");
}
