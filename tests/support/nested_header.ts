import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { ChannelModel } from "amqplib";

/** A list and its size take that many bytes. */
const listBytes = 5;
const placeholder = 0x7e;

/**
 * A header of lists in lists, `depth` deep, which amqplib would not encode: it
 * gives a text of the same size for it, and writes the lists in its place.
 */
export function nestedHeader({ connection }: ChannelModel, depth: number): string {
  const lists = Buffer.alloc(depth * listBytes);
  for (let level = 0; level < depth; level++) {
    lists.write("A", level * listBytes);
    lists.writeUInt32BE((depth - level - 1) * listBytes, level * listBytes + 1);
  }
  const text = Buffer.alloc(lists.length - listBytes, placeholder);
  // Not in the types: the socket that it writes to.
  const { stream } = connection as unknown as { readonly stream: Pick<Socket, "write"> };
  const write = stream.write.bind(stream);
  stream.write = (chunk: Uint8Array | string) => {
    const bytes = Buffer.from(chunk);
    const at = bytes.indexOf(text);
    if (at >= 0) lists.copy(bytes, at - listBytes);
    return write(bytes);
  };
  return text.toString();
}
