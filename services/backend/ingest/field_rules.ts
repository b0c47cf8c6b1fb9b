import { MalformedMessageError } from "./malformed_message_error.ts";

const oldestSeconds = Date.UTC(2000, 0, 1) / 1_000;
const daySeconds = 86_400;
const longest = 255;
const controlCharacter = /\p{Cc}/u;

/** @throws {MalformedMessageError} unless 1 to 255 characters, none of them a control character. */
export function checkDeviceId(deviceId: string): void {
  if (deviceId === "") throw new MalformedMessageError("missing_field", "device_id is empty");
  if (tooLong(deviceId)) {
    throw new MalformedMessageError(
      "out_of_range",
      `device_id is longer than ${longest} characters`,
    );
  }
  if (controlCharacter.test(deviceId)) {
    throw new MalformedMessageError("out_of_range", "device_id has a control character");
  }
}

/** @throws {MalformedMessageError} if longer than 255 characters, or with a NUL, which cannot be stored. */
export function checkText(field: string, text: string): void {
  if (tooLong(text)) {
    throw new MalformedMessageError(
      "out_of_range",
      `${field} is longer than ${longest} characters`,
    );
  }
  if (text.includes("\0")) {
    throw new MalformedMessageError("out_of_range", `${field} has a NUL character`);
  }
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
      "out_of_range",
      `${field} is ${seconds}, not from 2000-01-01 (${oldestSeconds}) to a day from now (${newest})`,
    );
  }
}

/** Counted in code points: a character outside the basic plane is one. */
function tooLong(text: string): boolean {
  if (text.length <= longest) return false;
  return text.length > 2 * longest || [...text].length > longest;
}
