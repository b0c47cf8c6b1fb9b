/**
 * Short names of statements by their texts, the same for all sessions of the
 * process. The first texts that come get one, up to a number of them: each
 * session keeps what it has prepared until it ends.
 */
export class StatementNames {
  readonly #names = new Map<string, string>();
  readonly #most: number;
  #given = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Undefined where there are too many texts. */
  of(text: string): string | undefined {
    const name = this.#names.get(text);
    if (name !== undefined || this.#names.size >= this.#most) return name;
    return this.#give(text);
  }

  /** Has every session prepare the text anew, unless somebody asked for that since it had this name. */
  renew(text: string, name: string): void {
    if (this.#names.get(text) === name) this.#give(text);
  }

  #give(text: string): string {
    const name = `s${++this.#given}`;
    this.#names.set(text, name);
    return name;
  }
}
