import assert from "node:assert/strict";
import { RequestHeads } from "./request_head.ts";

const request = { httpVersion: "2.0", method: "POST", url: "/x?y=z", headers: {} };

Deno.test("RequestHeads reads each request's own host, whichever came before", () => {
  const heads = new RequestHeads(10);
  const urls = ["a:1", "a:1", "b", "a:1"].map((authority) =>
    heads.read({ ...request, authority }).url
  );
  const [first, second] = ["http://a:1/x?y=z", "http://b/x?y=z"];
  assert.deepEqual(urls, [first, first, second, first]);
  assert.equal(heads.read({ ...request, headers: { host: "c" } }).url, "http://c/x?y=z");
});

Deno.test("RequestHeads refuses a request without a host, or with one that makes no URL", () => {
  const heads = new RequestHeads(10);
  heads.read({ ...request, authority: "a" });
  // The second time too: a host that was refused is not the one before.
  for (const authority of [undefined, "", "a b", "a b", "[", "a:99999"]) {
    const of = { ...request, headers: { host: authority } };
    assert.throws(() => heads.read(of), TypeError, authority);
  }
});

Deno.test("RequestHeads passes every value of a header, and none that is HTTP/2's own", () => {
  const headers = { ":path": "/x", te: "trailers", "x-of": ["a", "b"], accept: undefined };
  const { header } = new RequestHeads(10).read({ ...request, authority: "a", headers });
  assert.deepEqual(Object.fromEntries(header), { te: "trailers", "x-of": "a, b" });
});

Deno.test("RequestHeads passes the length of a body only where it is more than may be", () => {
  for (const [length, passed] of [["0", null], ["10", null], ["11", "11"]] as const) {
    const { header } = new RequestHeads(10).read({
      ...request,
      headers: { host: "a", "content-length": length },
    });
    assert.equal(header.get("content-length"), passed);
  }
});
