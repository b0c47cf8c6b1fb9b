import { isTooLong, longestText } from "./text_rule.ts";

/** What most ids are, and what spares them the rest. */
const plain = /^[!-~]{1,255}$/;
const controlCharacter = /\p{Cc}/u;
/**
 * A character that leaves a mark: neither white space, nor one that has no width or
 * only formats others, nor one whose glyph is blank by design (an empty Braille cell, a
 * note without a head, the blanks among the hieroglyphs).
 */
const visibleCharacter =
  /[^\p{White_Space}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800\u{1d159}\u{13441}\u{13442}]/u;

/**
 * What is wrong with a device id, to follow the name of its field; undefined for
 * one of 1 to 255 characters, no control characters and at least one visible.
 */
export function deviceIdProblem(deviceId: string): string | undefined {
  if (plain.test(deviceId)) return undefined;
  if (deviceId === "") return "is empty";
  if (isTooLong(deviceId)) return `is longer than ${longestText} characters`;
  if (controlCharacter.test(deviceId)) return "has a control character";
  if (!visibleCharacter.test(deviceId)) return "has no visible character";
  return undefined;
}
