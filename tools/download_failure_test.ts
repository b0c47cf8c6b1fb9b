import assert from "node:assert/strict";
import { downloadFailure } from "./download_failure.ts";

Deno.test("downloadFailure says in a line what is missing and how to do without", () => {
  const runtime = "https://dl.deno.land/release/v2.9.6/denort-x86_64-unknown-linux-gnu.zip";
  assert.equal(
    downloadFailure(`error: Writing deno compile executable to temporary file 'dist/x.tmp-1'

Caused by:
    0: Setting up base binary.
    1: error sending request for url (${runtime}): client error (Connect): dns error: failed to lookup address information: Name or service not known
    2: client error (Connect)
    3: dns error
`),
    `cannot download ${runtime} (dns error); compile where there is a network, or set DENORT_BIN ` +
      `to a denort of Deno ${Deno.version.deno} that is here already`,
  );
  const registry = "https://registry.example.org/kysely/-/kysely-0.29.9.tgz";
  assert.equal(
    downloadFailure(`error: Failed caching npm package 'kysely@0.29.9'

Caused by:
    0: error sending request for url (${registry}): client error (Connect): tcp connect error: Connection refused (os error 111)
`),
    `cannot download ${registry} (tcp connect error); compile where there is a network, or run ` +
      '"deno install" once',
  );
});

Deno.test("downloadFailure leaves other failures alone", () => {
  assert.equal(
    downloadFailure("error: TS2322 [ERROR]: Type 'string' is not assignable"),
    undefined,
  );
  assert.equal(downloadFailure(""), undefined);
});
