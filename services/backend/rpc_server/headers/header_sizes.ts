import { huffmanLength } from "./huffman_length.ts";

/** What RFC 7541 and RFC 9113 count for each field beside its name and value, in octets. */
const fieldOverhead = 32;

/** Octets of the table when neither side has said otherwise; it is never raised here. */
const tableBytes = 4_096;

/** Octets of the names in HPACK's static table, by their index less 1 (RFC 7541, appendix A). */
// deno-fmt-ignore
const staticNames = [
  10, 7, 7, 5, 5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 14, 15, 15, 13, 6, 27, 3, 5, 13, 13, 19, 16, 16, 14, 16,
  13, 12, 6, 4, 4, 6, 7, 4, 4, 8, 17, 13, 8, 19, 13, 4, 8, 12, 18, 19, 5, 7, 7, 11, 6, 10, 25, 17, 10,
  4, 3, 16,
];

/** Octets of those values in it that are not empty. */
const staticValues = [0, 3, 4, 1, 11, 4, 5, 3, 3, 3, 3, 3, 3, 3, 0, 13];

interface FieldSize {
  readonly name: number;
  readonly value: number;
}

export interface HeaderListSize {
  readonly fields: number;
  /** Names, values and 32 octets a field, as SETTINGS_MAX_HEADER_LIST_SIZE counts. */
  readonly bytes: number;
}

/**
 * How large the header lists of one HTTP/2 connection are once they are
 * unpacked, told from their packed blocks alone, before anybody unpacks them. A
 * reference of one octet may stand for 4 KB, so the blocks' own size says
 * nothing. It follows the connection's table, and so must see every block.
 */
export class HeaderSizes {
  #table: FieldSize[] = [];
  #tableBytes = 0;
  #maxTableBytes = tableBytes;
  #block: Uint8Array = new Uint8Array();
  #at = 0;

  /** The size of the next block's list; undefined if the block is no HPACK. */
  measure(block: Uint8Array): HeaderListSize | undefined {
    this.#block = block;
    this.#at = 0;
    let fields = 0;
    let bytes = 0;
    while (this.#at < block.length) {
      const field = this.#next();
      if (field === undefined) return undefined;
      if (field === "table size") continue;
      fields++;
      bytes += field.name + field.value + fieldOverhead;
    }
    return { fields, bytes };
  }

  #next(): FieldSize | "table size" | undefined {
    const first = this.#block[this.#at]!;
    if (first & 0x80) return this.#entry(this.#integer(7));
    if ((first & 0xe0) === 0x20) {
      const size = this.#integer(5);
      if (!(size <= tableBytes)) return undefined;
      this.#maxTableBytes = size;
      this.#evict(0);
      return "table size";
    }
    const indexed = (first & 0x40) !== 0;
    const index = this.#integer(indexed ? 6 : 4);
    const name = index === 0 ? this.#text() : this.#entry(index)?.name ?? NaN;
    const field = { name, value: this.#text() };
    if (Number.isNaN(name + field.value)) return undefined;
    if (indexed) this.#insert(field);
    return field;
  }

  #entry(index: number): FieldSize | undefined {
    const name = staticNames[index - 1];
    if (name !== undefined) return { name, value: staticValues[index - 1] ?? 0 };
    return this.#table[this.#table.length - (index - staticNames.length)];
  }

  #insert(field: FieldSize): void {
    const bytes = field.name + field.value + fieldOverhead;
    this.#evict(bytes);
    if (bytes > this.#maxTableBytes) return;
    this.#table.push(field);
    this.#tableBytes += bytes;
  }

  /** Drops the oldest entries until there is room for so many octets more. */
  #evict(room: number): void {
    let gone = 0;
    while (gone < this.#table.length && this.#tableBytes + room > this.#maxTableBytes) {
      const { name, value } = this.#table[gone++]!;
      this.#tableBytes -= name + value + fieldOverhead;
    }
    if (gone > 0) this.#table = this.#table.slice(gone);
  }

  /** NaN where the block ends too early, or the number has more than 28 bits. */
  #integer(prefixBits: number): number {
    const max = (1 << prefixBits) - 1;
    let value = (this.#block[this.#at++] ?? NaN) & max;
    if (value < max) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const octet = this.#block[this.#at++];
      if (octet === undefined) return NaN;
      value += (octet & 0x7f) << shift;
      if (octet < 0x80) return value;
    }
    return NaN;
  }

  /** Octets of the text that starts here, unpacked; NaN where the block ends too early. */
  #text(): number {
    const packed = ((this.#block[this.#at] ?? 0) & 0x80) !== 0;
    const length = this.#at < this.#block.length ? this.#integer(7) : NaN;
    if (!(this.#at + length <= this.#block.length)) return NaN;
    const text = this.#block.subarray(this.#at, this.#at += length);
    return packed ? huffmanLength(text) : length;
  }
}
