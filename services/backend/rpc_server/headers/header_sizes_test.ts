import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { concat, field, requestFields } from "../../../../tests/support/http2_frames.ts";
import { HeaderSizes } from "./header_sizes.ts";

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex.replaceAll(" ", ""), "hex"));

Deno.test("HeaderSizes follows the examples of RFC 7541, plain and packed", () => {
  // Appendices C.3 and C.4: the same three lists, whose second and third refer to the table.
  const plain = [
    "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
    "8286 84be 5808 6e6f 2d63 6163 6865",
    "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
  ];
  const packed = [
    "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
    "8286 84be 5886 a8eb 1064 9cbf",
    "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
  ];
  for (const blocks of [plain, packed]) {
    const sizes = new HeaderSizes();
    assert.deepEqual(blocks.map((block) => sizes.measure(bytes(block))), [
      { fields: 4, bytes: 180 },
      { fields: 5, bytes: 233 },
      { fields: 5, bytes: 245 },
    ]);
  }
});

Deno.test("HeaderSizes counts what a reference of one octet stands for", () => {
  const sizes = new HeaderSizes();
  const value = "a".repeat(3_900);
  assert.deepEqual(sizes.measure(field(0x40, "x", value)), { fields: 1, bytes: 3_933 });
  const bomb = new Uint8Array(15_000).fill(0x80 | 62);
  assert.deepEqual(sizes.measure(bomb), { fields: 15_000, bytes: 15_000 * 3_933 });
});

Deno.test("HeaderSizes drops the oldest entries as the table does", () => {
  const sizes = new HeaderSizes();
  for (const name of ["a", "b", "c"]) sizes.measure(field(0x40, name, "x".repeat(1_500)));
  const entry = (index: number) => sizes.measure(new Uint8Array([0x80 | 61 + index]));
  assert.deepEqual(entry(2), { fields: 1, bytes: 1_533 });
  assert.equal(entry(3), undefined, "the first one had to go");
  assert.equal(sizes.measure(new Uint8Array([0x20]))?.fields, 0); // a table of no octets
  assert.equal(entry(1), undefined);
  assert.equal(sizes.measure(bytes("3f e2 1f")), undefined, "a table of 4,097 octets");
});

Deno.test("HeaderSizes says when a block is no HPACK, wherever it ends", () => {
  const whole = concat(
    requestFields("/x"),
    bytes("4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"),
  );
  assert.equal(new HeaderSizes().measure(whole)?.fields, 7);
  for (let length = 1; length < whole.length; length++) {
    const size = new HeaderSizes().measure(whole.subarray(0, length));
    assert.ok(size === undefined || size.fields < 7);
  }
  for (const block of ["80", "ff ff ff ff ff 0f", "be", "40 7f ff ff ff ff", "00 85"]) {
    assert.equal(new HeaderSizes().measure(bytes(block)), undefined, block);
  }
});
