/** A year is one of 365 days. */
const unitMs = {
  y: 365 * 86_400_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
} as const;

type Unit = keyof typeof unitMs;

/** Milliseconds of a span of time such as `500ms`, `1m30s`, `7d` or `10y`; undefined unless it is one. */
export function parseDuration(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[ydhms])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) return undefined;
  // The pattern lets no other units through.
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * unitMs[unit as Unit], 0);
}

/** What `parseDuration` reads back, in the largest units; of those, the first `most`. */
export function formatDuration(ms: number, most = Infinity): string {
  let rest = ms;
  const parts: string[] = [];
  for (const [unit, size] of Object.entries(unitMs)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
    // No minutes without the hours between them and the days.
    else if (parts.length > 0 && most < Infinity) break;
    if (parts.length === most) break;
  }
  return parts.join("") || "0s";
}
