import assert from "node:assert/strict";
import { isLoopback, warnIfOpen } from "./warn_if_open.ts";

Deno.test("isLoopback knows the addresses that only this machine reaches", () => {
  for (
    const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST", "::ffff:127.0.0.1"]
  ) {
    assert(isLoopback(host), host);
  }
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example.com", "localhost.example"]) {
    assert(!isLoopback(host), host);
  }
});

Deno.test("warnIfOpen warns once of a service that others reach", () => {
  const hostsOf = (host: string) => {
    const warned: unknown[] = [];
    warnIfOpen(host, { warning: (message, fields) => warned.push([message, fields]) });
    return warned;
  };
  assert.deepEqual(hostsOf("127.0.0.1"), []);
  assert.deepEqual(hostsOf("0.0.0.0"), [[
    "There is no authentication: whoever reaches the ports can use them",
    { host: "0.0.0.0" },
  ]]);
});
