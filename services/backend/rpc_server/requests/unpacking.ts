import type { Compression } from "@connectrpc/connect/protocol";

/**
 * Unpacks one message at a time: a few bytes may unpack to as much as a message
 * may have, and a thousand calls that do so at once would take it all together.
 */
export function unpackingOneAtATime(compression: Compression): Compression {
  let last: Promise<unknown> = Promise.resolve();
  return {
    name: compression.name,
    compress: (bytes) => compression.compress(bytes),
    decompress(bytes, readMaxBytes) {
      const unpacked = last.then(() => compression.decompress(bytes, readMaxBytes));
      last = unpacked.catch(() => {});
      return unpacked;
    },
  };
}
