const words = new Intl.RelativeTimeFormat("en", { numeric: "always" });

const units = [
  { unit: "day", ms: 86_400_000 },
  { unit: "hour", ms: 3_600_000 },
  { unit: "minute", ms: 60_000 },
] as const;

/**
 * How long ago `ms` was, at `nowMs`: "just now", "20 seconds ago", "3 hours
 * ago". Coarse, so that a row changes seldom while its device is silent.
 */
export function relativeWords(ms: number, nowMs: number): string {
  if (Number.isNaN(ms)) return "unknown";
  const gap = ms - nowMs;
  for (const { unit, ms: unitMs } of units) {
    if (Math.abs(gap) >= unitMs) return words.format(Math.trunc(gap / unitMs), unit);
  }
  const tens = Math.trunc(gap / 10_000) * 10;
  return tens === 0 ? "just now" : words.format(tens, "second");
}
