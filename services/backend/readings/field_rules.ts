import { deviceIdProblem } from "./device_id_rule.ts";
import { MalformedMessageError } from "./malformed_message_error.ts";
import { textProblem } from "./text_rule.ts";

const oldestSeconds = Date.UTC(2000, 0, 1) / 1_000;
const daySeconds = 86_400;
/** Ten years: further off than the clock of a machine that starts at the date of its make. */
const furthestAheadSeconds = 3_650 * daySeconds;

/** @throws {MalformedMessageError} unless `deviceIdProblem` finds nothing. */
export function checkDeviceId(deviceId: string): void {
  const problem = deviceIdProblem(deviceId);
  if (problem === undefined) return;
  const reason = deviceId === "" ? "missing_field" : "out_of_range";
  throw new MalformedMessageError(reason, `device_id ${problem}`);
}

/** @throws {MalformedMessageError} unless `textProblem` finds nothing. */
export function checkText(field: string, text: string): void {
  const problem = textProblem(text);
  if (problem !== undefined) throw new MalformedMessageError("out_of_range", `${field} ${problem}`);
}

/** @throws {MalformedMessageError} unless a finite number from `min` to `max`. */
export function checkRange(field: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max)) {
    throw new MalformedMessageError("out_of_range", `${field} is ${value}, not ${min} to ${max}`);
  }
}

/**
 * @param nowMs Unix milliseconds
 * @throws {MalformedMessageError} unless from 2000-01-01 to a day from now.
 */
export function checkInstant(field: string, seconds: bigint, nowMs: number): void {
  const newest = Math.floor(nowMs / 1_000) + daySeconds;
  if (seconds < oldestSeconds || seconds > newest) {
    throw new MalformedMessageError(
      // A clock may be wrong, here or there: what is ahead of it by less than that can be right.
      seconds > newest && seconds < newest + furthestAheadSeconds ? "from_future" : "out_of_range",
      `${field} is ${seconds}, not from 2000-01-01 (${oldestSeconds}) to a day from now (${newest})`,
    );
  }
}
