/**
 * How fresh what a page shows is, in words: one rule for the server, which makes
 * the page, and for the browser, where time goes on. Times are Unix milliseconds
 * by the server's clock.
 */

/** A page that has had no news for longer says so, and no device's state counts as known. */
export const staleAfterMs = 5_000;

/** Clocks are allowed to differ by so much; what is further ahead tells nothing of when. */
const clockToleranceMs = 10_000;

/** A device is silent once it misses this many of its usual intervals… */
const missedIntervals = 3;
/** …but never before so long, since readings take their time to get here. */
const leastSilenceMs = 15_000;

/** For a device that has not said enough to know its interval: online so long… */
const surelyOnlineMs = 60_000;
/** …and silent after so long; in between, nobody knows. */
const surelySilentMs = 86_400_000;

/** @typedef {"online" | "silent" | "unknown"} DeviceState */

/**
 * When a device last gave a sign of life, and by how much its clock is ahead, as
 * far as either is known.
 *
 * @param {readonly number[]} signs instants by the device's own clock or by others'
 * @param {number} nowMs
 * @returns {{ seenMs: number | undefined, aheadMs: number | undefined }}
 */
export function lastSign(signs, nowMs) {
  const credible = signs.filter((ms) => ms <= nowMs + clockToleranceMs);
  const ahead = signs.filter((ms) => ms > nowMs + clockToleranceMs);
  return {
    seenMs: credible.length === 0 ? undefined : Math.max(...credible),
    aheadMs: ahead.length === 0 ? undefined : Math.max(...ahead) - nowMs,
  };
}

/**
 * @param {readonly number[]} signs as for `lastSign`
 * @param {number | undefined} intervalMs the usual time between two readings, if known
 * @param {number} nowMs
 * @returns {DeviceState}
 */
export function deviceState(signs, intervalMs, nowMs) {
  const { seenMs } = lastSign(signs, nowMs);
  if (seenMs === undefined) return "unknown";
  const quietMs = nowMs - seenMs;
  if (intervalMs !== undefined) {
    return quietMs > Math.max(leastSilenceMs, missedIntervals * intervalMs) ? "silent" : "online";
  }
  if (quietMs <= surelyOnlineMs) return "online";
  return quietMs > surelySilentMs ? "silent" : "unknown";
}

/**
 * @param {DeviceState} state
 * @param {boolean} stale true where the page has no news, so that it tells what was
 */
export function stateWords(state, stale) {
  if (state === "unknown") return "Unknown";
  if (state === "online") return stale ? "Was online" : "Online";
  return stale ? "Was silent" : "Silent";
}

const ago = new Intl.RelativeTimeFormat("en", { numeric: "always" });

/** @type {readonly { unit: "day" | "hour" | "minute", ms: number }[]} */
const units = [
  { unit: "day", ms: 86_400_000 },
  { unit: "hour", ms: 3_600_000 },
  { unit: "minute", ms: 60_000 },
];

/**
 * How long ago `ms` was: "just now", "20 seconds ago", "3 hours ago". Coarse, so
 * that a list is calm; an instant that is a little ahead is now.
 *
 * @param {number} ms
 * @param {number} nowMs
 */
export function ageWords(ms, nowMs) {
  const age = nowMs - ms;
  for (const { unit, ms: unitMs } of units) {
    if (age >= unitMs) return ago.format(-Math.trunc(age / unitMs), unit);
  }
  const tens = Math.trunc(age / 10_000) * 10;
  return tens <= 0 ? "just now" : ago.format(-tens, "second");
}

/**
 * A length of time: "5 seconds", "22 hours".
 *
 * @param {number} ms
 */
export function spanWords(ms) {
  const { unit, ms: unitMs } = units.find((unit) => ms >= unit.ms) ??
    { unit: "second", ms: 1_000 };
  const count = ms / unitMs;
  return new Intl.NumberFormat("en", {
    ...{ style: "unit", unit, unitDisplay: "long" },
    maximumFractionDigits: count < 10 ? 1 : 0,
  }).format(count);
}

/**
 * What to say of a clock that is ahead.
 *
 * @param {number | undefined} aheadMs
 */
export function aheadWords(aheadMs) {
  return aheadMs === undefined ? "" : `clock ahead by ${spanWords(aheadMs)}`;
}
