/** Arrays at least as large are a program's whole memory. */
const leastBytes = 64 * 1024 * 1024;
const pageWords = 1024;

/**
 * Has this thread copy large arrays page by page, and only those pages that
 * differ. To run `initdb`, PGlite saves the whole memory of its program, 128 MB,
 * and puts it back six times; nearly all of it is zeros, which cost nothing
 * until they are written.
 */
export function touchOnlyWhatDiffers(): void {
  const { slice, set } = Uint8Array.prototype;
  Uint8Array.prototype.slice = function (start, end) {
    if (this.length < leastBytes || start !== undefined) return slice.call(this, start, end);
    const copy = new Uint8Array(this.length);
    copyWhatDiffers(this, copy);
    return copy;
  };
  Uint8Array.prototype.set = function (source, offset) {
    if (source instanceof Uint8Array && source.length >= leastBytes && offset === undefined) {
      copyWhatDiffers(source, this);
    } else {
      set.call(this, source, offset);
    }
  };
}

/** @param to At least as long as `from`; both begin and end with a word of their buffers. */
export function copyWhatDiffers(from: Uint8Array, to: Uint8Array): void {
  const words = from.byteLength / Int32Array.BYTES_PER_ELEMENT;
  const source = new Int32Array(from.buffer, from.byteOffset, words);
  const target = new Int32Array(to.buffer, to.byteOffset, words);
  for (let start = 0; start < words; start += pageWords) {
    const end = Math.min(start + pageWords, words);
    let at = start;
    while (at < end && source[at] === target[at]) at++;
    for (; at < end; at++) target[at] = source[at]!;
  }
}
