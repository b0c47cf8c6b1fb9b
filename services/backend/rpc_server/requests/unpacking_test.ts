import assert from "node:assert/strict";
import { unpackingOneAtATime } from "./unpacking.ts";

Deno.test("messages are unpacked one after the other, whatever becomes of each", async () => {
  let atOnce = 0;
  let count = 0;
  const { decompress } = unpackingOneAtATime({
    name: "test",
    compress: () => assert.fail(),
    async decompress(bytes, readMaxBytes) {
      assert.equal(++atOnce, 1);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce--;
      if (++count === 2) throw new Error("not packed");
      return bytes.slice(0, readMaxBytes);
    },
  });
  const unpacked = await Promise.allSettled(
    [1, 2, 3].map((byte) => decompress(new Uint8Array([byte, 9]), 1)),
  );
  assert.deepEqual(
    unpacked.map((result) => result.status === "fulfilled" ? [...result.value] : "failed"),
    [[1], "failed", [3]],
  );
});
