import assert from "node:assert/strict";
import type { Compression } from "@connectrpc/connect/protocol";
import { unpackingInTurns } from "./unpacking.ts";

Deno.test("messages are unpacked one after the other, however packed, whatever becomes of each", async () => {
  let atOnce = 0;
  let count = 0;
  const compression: Compression = {
    name: "test",
    compress: () => assert.fail(),
    async decompress(bytes, readMaxBytes) {
      assert.equal(++atOnce, 1);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce--;
      if (++count === 2) throw new Error("not packed");
      return bytes.slice(0, readMaxBytes);
    },
  };
  const both = unpackingInTurns([compression, { ...compression, name: "other" }]);
  const unpacked = await Promise.allSettled(
    [1, 2, 3, 4].map((byte) => both[byte % 2]!.decompress(new Uint8Array([byte, 9]), 1)),
  );
  assert.deepEqual(
    unpacked.map((result) => result.status === "fulfilled" ? [...result.value] : "failed"),
    [[1], "failed", [3], [4]],
  );
});

Deno.test("so many messages wait to be unpacked, and no more", async () => {
  const gate = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
  const [compression] = unpackingInTurns([
    { name: "test", compress: () => assert.fail(), decompress: () => gate.promise },
  ]);
  const unpacked = Array.from(
    { length: 1_002 },
    () =>
      compression!.decompress(new Uint8Array(), 1).then(() => "unpacked", ({ message }) => message),
  );
  assert.match(await Promise.race(unpacked), /too many messages wait/);
  gate.resolve(new Uint8Array());
  const outcomes = Map.groupBy(await Promise.all(unpacked), (outcome) => outcome);
  assert.ok(outcomes.get("unpacked")!.length >= 1_000);
});
