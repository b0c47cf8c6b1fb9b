import type { Letter } from "./letter.ts";

/**
 * Tells letters from further copies of them. A message that was delivered again
 * after its letter was confirmed, to a backend that had been started anew, is
 * there twice, and is one letter.
 */
export class LetterCopies {
  readonly #seen = new Set<string>();
  #further = 0;

  /** Copies that came after the first of their letter. */
  get further(): number {
    return this.#further;
  }

  /** Whether a copy of it was seen. */
  has({ digest }: Pick<Letter, "digest">): boolean {
    return this.#seen.has(digest);
  }

  /** Whether this is the first copy of its letter. */
  isFirst({ digest }: Pick<Letter, "digest">): boolean {
    const { size } = this.#seen;
    if (this.#seen.add(digest).size > size) return true;
    this.#further++;
    return false;
  }

  /** As the end of a sentence that counts the letters. */
  inWords(): string {
    if (this.#further === 0) return "";
    return this.#further === 1 ? ", and a further copy" : `, and ${this.#further} further copies`;
  }
}
