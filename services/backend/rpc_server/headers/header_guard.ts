import { HeaderSizes } from "./header_sizes.ts";

export interface HeaderLimits {
  /** Octets of one header list, unpacked: also what a packed block may take. */
  readonly maxBytes: number;
  readonly maxFields: number;
}

const prefaceBytes = 24;
const frameHeadBytes = 9;
const headersFrame = 1;
const continuationFrame = 9;
const endHeaders = 0x4;
const padded = 0x8;
const withPriority = 0x20;

/**
 * Follows what an HTTP/2 client sends and says when its headers pass the
 * limits, before nghttp2 unpacks them: node:http2 counts fields, if at all,
 * once each has been copied, and keeps the copies of what it refuses.
 */
export class HeaderGuard {
  readonly #limits: HeaderLimits;
  readonly #sizes = new HeaderSizes();
  #skip = prefaceBytes;
  readonly #head = new Uint8Array(frameHeadBytes);
  #headLength = 0;
  /** What is still to come of a HEADERS or CONTINUATION frame's payload. */
  #missing = 0;
  /** The payloads of the block that has begun and not ended. */
  #parts: Uint8Array[] = [];
  #partsBytes = 0;

  constructor(limits: HeaderLimits) {
    this.#limits = limits;
  }

  /** Whether a header block has begun and not ended. */
  get open(): boolean {
    return this.#partsBytes > 0 || this.#missing > 0;
  }

  /** Takes the next bytes of the connection; false if they are not to be passed on. */
  accepts(chunk: Uint8Array): boolean {
    for (let at = 0; at < chunk.length;) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
      } else if (this.#missing > 0) {
        const part = chunk.subarray(at, at + this.#missing);
        this.#missing -= part.length;
        // The chunk is not ours, so what outlives this call is copied.
        const last = this.#missing === 0 && (this.#head[4]! & endHeaders) !== 0;
        this.#parts.push(last ? part : part.slice());
        at += part.length;
        if (this.#missing === 0 && !this.#endOfFrame()) return false;
      } else {
        this.#head[this.#headLength++] = chunk[at++]!;
        if (this.#headLength < frameHeadBytes) continue;
        this.#headLength = 0;
        if (!this.#startOfFrame()) return false;
      }
    }
    return true;
  }

  #startOfFrame(): boolean {
    const [high, middle, low, type] = this.#head;
    const length = high! << 16 | middle! << 8 | low!;
    if (type !== headersFrame && type !== continuationFrame) {
      this.#skip = length;
      return true;
    }
    this.#partsBytes += length;
    if (this.#partsBytes > this.#limits.maxBytes) return false;
    this.#missing = length;
    return length > 0 || this.#endOfFrame();
  }

  #endOfFrame(): boolean {
    const [, , , type, flags] = this.#head;
    if (type === headersFrame) {
      const fragment = fragmentOf(joined(this.#parts), flags!);
      if (fragment === undefined) return false;
      this.#parts = [fragment];
    }
    if ((flags! & endHeaders) === 0) return true;
    const size = this.#sizes.measure(joined(this.#parts));
    this.#parts = [];
    this.#partsBytes = 0;
    if (size === undefined) return false;
    return size.bytes <= this.#limits.maxBytes && size.fields <= this.#limits.maxFields;
  }
}

/** What a HEADERS frame carries, without padding and priority; undefined if it cannot be. */
function fragmentOf(payload: Uint8Array, flags: number): Uint8Array | undefined {
  const padding = flags & padded ? (payload[0] ?? NaN) : 0;
  const from = (flags & padded ? 1 : 0) + (flags & withPriority ? 5 : 0);
  const to = payload.length - padding;
  return from <= to ? payload.subarray(from, to) : undefined;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
