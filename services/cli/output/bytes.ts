const units = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Bytes to three digits, in powers of 1,000: `950 B`, `2.47 MB`. */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < units.length - 1) [value, unit] = [value / 1_000, unit + 1];
  return `${unit === 0 ? value : Number(value.toPrecision(3))} ${units[unit]}`;
}
