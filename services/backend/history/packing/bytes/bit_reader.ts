import { PackedReadingsError } from "./packed_readings_error.ts";

/** What `BitWriter` wrote. Past the end there are zeros, until `finish` tells. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #pending = 0;
  #pendingBits = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @param width from 0 to 24. */
  read(width: number): number {
    let pending = this.#pending;
    let bits = this.#pendingBits;
    for (; bits < width; bits += 8) {
      const byte = this.#at < this.#bytes.length ? this.#bytes[this.#at]! : 0;
      this.#at++;
      pending |= byte << bits;
    }
    this.#pending = pending >>> width;
    this.#pendingBits = bits - width;
    return pending & ((1 << width) - 1);
  }

  /** @param width from 0 to 53. */
  readWide(width: number): number {
    let value = 0;
    let scale = 1;
    let bits = width;
    for (; bits > 24; bits -= 24, scale *= 2 ** 24) value += this.read(24) * scale;
    return value + this.read(bits) * scale;
  }

  /** @throws {PackedReadingsError} unless all bytes were read, and none past them. */
  finish(): void {
    if (this.#at !== this.#bytes.length || this.#pending !== 0) {
      throw new PackedReadingsError("their plain bits are not as many as they say");
    }
  }
}
