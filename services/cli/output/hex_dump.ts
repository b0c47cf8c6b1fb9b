/** Lines of 16 bytes: offset, hexadecimal, and the text of what is printable ASCII. */
export function* hexDump(bytes: Uint8Array): Generator<string> {
  for (let offset = 0; offset < bytes.length; offset += 16) {
    const row = [...bytes.subarray(offset, offset + 16)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) => byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".");
    yield `${offset.toString(16).padStart(8, "0")}  ${hex.padEnd(47)}  ${text.join("")}`;
  }
}
