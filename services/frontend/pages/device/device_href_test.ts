import assert from "node:assert/strict";
import fc from "fast-check";
import { Hono } from "hono";
import { deviceHref } from "./device_href.ts";

const app = new Hono();
app.get("/devices/:id", (c) => c.json({ id: c.req.param("id"), token: c.req.query("page_token") }));
app.get("/device", (c) => c.json({ id: c.req.query("id"), token: c.req.query("page_token") }));

async function arrives(id: string, token?: string): Promise<void> {
  // As a browser would resolve the link.
  const url = new URL(deviceHref(id, token), "http://localhost/devices");
  const response = await app.request(new Request(url));
  assert.equal(response.status, 200, JSON.stringify(id));
  assert.deepEqual(await response.json(), { id, ...(token && { token }) });
}

Deno.test("deviceHref leads to the device, whatever its id", async () => {
  const ids = [
    ".",
    "..",
    "%2e",
    "a/b",
    "a%2Fb",
    "?q#f",
    "100%",
    "%",
    "%25",
    "\\",
    "live",
    " a ",
    "é",
    "😀",
  ];
  for (const id of ids) await arrives(id);
  const anyId = fc.string({ unit: "binary", minLength: 1, maxLength: 40 })
    .filter((id) => id.isWellFormed() && !/\p{Cc}/u.test(id));
  await fc.assert(fc.asyncProperty(anyId, (id) => arrives(id, "t+/=&")));
});
