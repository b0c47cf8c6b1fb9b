/** Marks, letters, digits, signs: what leaves ink. Fillers and the blank Braille pattern do not. */
const visible = /(?!\p{Default_Ignorable_Code_Point}|\u2800)[\p{L}\p{M}\p{N}\p{P}\p{S}]/u;
/** Blanks other than the plain space, and all else that cannot be seen. */
const invisible = /\p{Default_Ignorable_Code_Point}|\p{C}|(?! )\p{Z}|\u2800/gu;

export function hasVisible(text: string): boolean {
  return visible.test(text);
}

/**
 * A device id as a person can see and click it. Most are shown as they are; one
 * that holds nothing visible, or has blanks at an end, is quoted, with what
 * cannot be seen as `\u{200b}`.
 */
export function visibleId(deviceId: string): string {
  if (hasVisible(deviceId) && !/^\p{Z}|\p{Z}$/u.test(deviceId)) return deviceId;
  return `"${
    deviceId.replace(invisible, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
  }"`;
}
