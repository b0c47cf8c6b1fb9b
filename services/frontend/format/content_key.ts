import { createHash } from "node:crypto";

/**
 * A short name for some content, from letters and digits alone: fit for a DOM
 * id or a path, whatever is in the content.
 *
 * @param length hexadecimal digits, at most 64
 */
export function contentKey(content: string, length: number): string {
  return createHash("sha256").update(content).digest("hex").slice(0, length);
}
