/** @param micros Unix microseconds, whole ones; -Infinity is before all. */
export function instantText(micros: number): string {
  if (micros === -Infinity) return "-infinity";
  const ms = Math.floor(micros / 1_000);
  const rest = String(micros - ms * 1_000).padStart(3, "0");
  return new Date(ms).toISOString().replace("Z", `${rest}Z`);
}
