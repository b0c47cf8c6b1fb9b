import { PackedReadingsError } from "./packed_readings_error.ts";

/** What `ByteWriter` wrote. Each method throws a `PackedReadingsError` past the end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  byte(): number {
    return this.#bytes[this.#step(1)]!;
  }

  /** From 0 up to `most`, which is at most 2^53. */
  varint(most: number): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 56; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value <= most) return value;
        break;
      }
    }
    throw new PackedReadingsError(`a number is above ${most}`);
  }

  /** At most 2^52 from 0. */
  signed(): number {
    const value = this.varint(2 ** 53);
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  float64(): number {
    return this.#view.getFloat64(this.#step(8), true);
  }

  int64(): bigint {
    return this.#view.getBigInt64(this.#step(8), true);
  }

  bytes(length: number): Uint8Array {
    const start = this.#step(length);
    return this.#bytes.subarray(start, start + length);
  }

  rest(): Uint8Array {
    return this.bytes(this.#bytes.length - this.#at);
  }

  #step(count: number): number {
    const start = this.#at;
    if (start + count > this.#bytes.length) throw new PackedReadingsError("they end too soon");
    this.#at = start + count;
    return start;
  }
}
