/** Bits as they are, the lowest first. */
export class BitWriter {
  #bytes = new Uint8Array(256);
  #length = 0;
  /** Fewer than 8 bits that are no byte yet. */
  #pending = 0;
  #pendingBits = 0;

  /** @param value its lowest `width` bits are written; `width` from 0 to 24. */
  write(value: number, width: number): void {
    let pending = this.#pending | (value & ((1 << width) - 1)) << this.#pendingBits;
    let bits = this.#pendingBits + width;
    if (this.#length + 4 > this.#bytes.length) this.#grow();
    for (; bits >= 8; bits -= 8, pending >>>= 8) this.#bytes[this.#length++] = pending;
    this.#pending = pending;
    this.#pendingBits = bits;
  }

  /** @param value from 0 up, below 2^`width`; `width` from 0 to 53. */
  writeWide(value: number, width: number): void {
    let left = value;
    let bits = width;
    for (; bits > 24; bits -= 24, left = Math.floor(left / 2 ** 24)) this.write(left % 2 ** 24, 24);
    this.write(left, bits);
  }

  /** All that was written, the last byte filled up by zeros; nothing may be written after it. */
  finish(): Uint8Array {
    if (this.#pendingBits > 0) this.write(0, 8 - this.#pendingBits);
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(): void {
    const grown = new Uint8Array(2 * this.#bytes.length);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}
