/** HTTP/2 and gRPC by the byte, for clients that do what no library would. */

const encoder = new TextEncoder();

export const preface = encoder.encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
export const frameType = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
};
export const endStream = 1;
export const endHeaders = 4;
export const cancel = 8;

export function frame(
  type: number,
  flags: number,
  stream: number,
  ...payload: Uint8Array[]
): Uint8Array {
  const body = concat(...payload);
  const head = new Uint8Array([...uint32(body.length).subarray(1), type, flags]);
  return concat(head, uint32(stream), body);
}

/** A request's header block: HPACK's literal fields, not in its table, without Huffman codes. */
export function requestFields(path: string, more: Readonly<Record<string, string>> = {}) {
  const fields = {
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "localhost",
    "content-type": "application/grpc",
    te: "trailers",
    ...more,
  };
  return concat(...Object.entries(fields).map(([name, value]) => field(0, name, value)));
}

/** A literal field; `kind` 0 leaves it out of HPACK's table, 0x40 puts it there. */
export function field(kind: 0 | 0x40, name: string, value: string): Uint8Array {
  return concat(new Uint8Array([kind]), text(name), text(value));
}

/** A text of HPACK, whose length is an integer with a prefix of 7 bits. */
function text(value: string): Uint8Array {
  const bytes = encoder.encode(value);
  const length = [];
  let rest = bytes.length - 127;
  if (rest < 0) length.push(bytes.length);
  else {
    length.push(127);
    for (; rest >= 128; rest >>= 7) length.push(rest & 127 | 128);
    length.push(rest);
  }
  return concat(new Uint8Array(length), bytes);
}

/** A gRPC message, uncompressed. */
export function message(bytes: readonly number[]): Uint8Array {
  return concat(new Uint8Array([0]), uint32(bytes.length), new Uint8Array(bytes));
}

export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export async function send(connection: Deno.Conn, ...parts: Uint8Array[]): Promise<void> {
  const bytes = concat(...parts);
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}
