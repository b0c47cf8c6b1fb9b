import assert from "node:assert/strict";
import { backendUrl } from "./backend_url.ts";

const { parse } = backendUrl({ doc: "the backend", default: "localhost:50051" });

Deno.test("backendUrl takes host:port and URLs", () => {
  const cases: [string, string][] = [
    ["localhost:50051", "http://localhost:50051/"],
    ["backend:80", "http://backend/"],
    ["[::1]:50051", "http://[::1]:50051/"],
    ["10.0.0.7:1", "http://10.0.0.7:1/"],
    ["http://backend", "http://backend/"],
    ["https://api.example.com/iot/", "https://api.example.com/iot/"],
  ];
  for (const [text, href] of cases) assert.equal(parse(text).href, href);
});

Deno.test("backendUrl says what it expects where it cannot tell what is meant", () => {
  const cases = [
    ...["", "nonsense", "localhost", "localhost:", ":50051", "::1:", "a b:80", "host:99999"],
    ...[
      "host:0",
      "host:80/path",
      "user@host:80",
      "http://",
      "ftp://host:21",
      "http://h?q",
      "50051",
    ],
  ];
  for (const text of cases) {
    assert.throws(() => parse(text), { message: /^expected host:port, such as/ }, text);
  }
});
