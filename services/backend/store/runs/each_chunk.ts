const lengthBytes = 4;

/** The chunks in bytes in which each stands behind its length, as `int4send` gives that. */
export function* eachChunk(chunks: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(chunks.buffer, chunks.byteOffset, chunks.length);
  for (let at = 0; at < chunks.length;) {
    const end = at + lengthBytes + view.getInt32(at);
    yield chunks.subarray(at + lengthBytes, end);
    at = end;
  }
}
