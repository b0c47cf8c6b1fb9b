const pattern =
  /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,6})\d*)?([Zz]|[+-]\d{2}:\d{2})$/;

/**
 * Unix microseconds of an instant such as `2026-01-31T12:00:00.25Z`; digits
 * past the microsecond are dropped. Undefined unless it is RFC 3339.
 */
export function parseInstant(text: string): number | undefined {
  const [, date, time, fraction = "", offset] = pattern.exec(text) ?? [];
  if (date === undefined) return undefined;
  const wall = new Date(`${date}T${time}Z`);
  // The 30th of February would be read as the 2nd of March.
  if (Number.isNaN(wall.getTime()) || wall.toISOString().slice(0, 10) !== date) return undefined;
  const ms = Date.parse(`${date}T${time}${offset!.toUpperCase()}`);
  return Number.isNaN(ms) ? undefined : ms * 1_000 + Number(fraction.padEnd(6, "0"));
}

/** RFC 3339 in UTC, to the microsecond: what `parseInstant` reads back without a loss. */
export function formatInstant(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = String(micros - seconds * 1_000_000).padStart(6, "0");
  return `${new Date(seconds * 1_000).toISOString().slice(0, 19)}.${fraction}Z`;
}
