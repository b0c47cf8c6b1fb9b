import { constants, gunzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Compressors as Decompressors } from "hyparquet";
import type { ParquetWriteOptions } from "hyparquet-writer";

/** With a checksum in each page: a reader finds what a disk has changed. */
export const compressors: NonNullable<ParquetWriteOptions["compressors"]> = {
  ZSTD: (page) => zstdCompressSync(page, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
};

/** What programs that copy a file may choose, beside what the library has of its own. */
export const decompressors: Decompressors = {
  GZIP: (page, bytes) => gunzipSync(page, { maxOutputLength: atLeastOne(bytes) }),
  ZSTD: (page, bytes) => zstdDecompressSync(page, { maxOutputLength: atLeastOne(bytes) }),
};

/** The limit of a page without a value, as zlib takes it. */
function atLeastOne(bytes: number): number {
  return Math.max(1, bytes);
}

/** Those that can be read. */
export const readableCodecs: ReadonlySet<string> = new Set([
  "UNCOMPRESSED",
  "SNAPPY",
  ...Object.keys(decompressors),
]);
