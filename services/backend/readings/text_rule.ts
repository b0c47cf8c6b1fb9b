/** Most characters that a text may have. */
export const longestText = 255;

/**
 * What is wrong with a text, to follow the name of its field; undefined for
 * one that is at most 255 characters and has no NUL, which cannot be stored.
 */
export function textProblem(text: string): string | undefined {
  if (isTooLong(text)) return `is longer than ${longestText} characters`;
  if (text.includes("\0")) return "has a NUL character";
  return undefined;
}

/** Counted in code points: a character outside the basic plane is one. */
export function isTooLong(text: string): boolean {
  if (text.length <= longestText) return false;
  return text.length > 2 * longestText || [...text].length > longestText;
}
