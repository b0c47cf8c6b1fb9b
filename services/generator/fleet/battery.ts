import { fraction } from "./integer_hash.ts";

const rechargeSeconds = 4 * 3_600;

/**
 * Charge in percent, `seconds` after 1970: it drains evenly over two to six
 * weeks, then is charged full again in four hours.
 */
export function batteryAt(deviceKey: number, seconds: number): number {
  const periodSeconds = 86_400 * (14 + 28 * fraction(deviceKey, 9));
  const position = seconds / periodSeconds + fraction(deviceKey, 10);
  const cycle = Math.floor(position);
  const intoCycle = (position - cycle) * periodSeconds;
  const full = 97 + 3 * fraction(deviceKey, 11);
  const drained = (full - 15 - 30 * fraction(deviceKey ^ 12, cycle)) /
    (periodSeconds - rechargeSeconds);
  const drainingSeconds = Math.min(intoCycle, periodSeconds - rechargeSeconds);
  const chargedShare = Math.max(0, intoCycle - drainingSeconds) / rechargeSeconds;
  return full - drained * drainingSeconds * (1 - chargedShare);
}
