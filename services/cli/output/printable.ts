/**
 * Text from a message, safe for a terminal: what would control it, or turn the
 * direction of what follows, is written as its code.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
