import assert from "node:assert/strict";
import { ExitError } from "../lifecycle/exit_error.ts";
import { localUrl, serveHttp } from "./http_server.ts";

const local = { host: "127.0.0.1", port: 0, portKey: "backend.metrics_port" };

Deno.test("serveHttp answers, and lets a request in hand finish when it closes", async () => {
  const begun = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const server = serveHttp({
    ...local,
    async fetch() {
      begun.resolve();
      await finish.promise;
      return new Response("done");
    },
  });
  const answer = fetch(server.url).then((response) => response.text());
  await begun.promise;
  const closed = server[Symbol.asyncDispose]();
  finish.resolve();
  assert.equal(await answer, "done");
  await closed;
  await assert.rejects(fetch(server.url), TypeError);
});

Deno.test("serveHttp waits no more than a while for a request that lasts", async () => {
  const begun = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const server = serveHttp({
    ...local,
    async fetch() {
      begun.resolve();
      await finish.promise;
      return new Response("at last");
    },
  });
  const answer = fetch(server.url).then((response) => response.text());
  await begun.promise;
  await Promise.all([server[Symbol.asyncDispose](), server[Symbol.asyncDispose]()]);
  finish.resolve();
  assert.equal(await answer, "at last");
  await server[Symbol.asyncDispose]();
});

Deno.test("serveHttp names the setting of a port that is in use", () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  assert.throws(
    () => serveHttp({ ...local, port, fetch: () => new Response() }),
    (error) =>
      error instanceof ExitError &&
      error.message === `Cannot listen on 127.0.0.1:${port}: the port is in use; choose another ` +
          "with backend.metrics_port",
  );
});

Deno.test("serveHttp blames no port for a host that is not here", () => {
  assert.throws(
    () => serveHttp({ ...local, host: "192.0.2.1", fetch: () => new Response() }),
    (error) =>
      error instanceof ExitError && !/in use/.test(error.message) &&
      /^Cannot listen on 192\.0\.2\.1:0: .*; see backend\.metrics_port and the host/.test(
        error.message,
      ),
  );
});

Deno.test("localUrl is one that a browser on this machine can open", () => {
  assert.equal(localUrl("0.0.0.0", 80), "http://localhost:80");
  assert.equal(localUrl("::", 80), "http://localhost:80");
  assert.equal(localUrl("::1", 80), "http://[::1]:80");
  assert.equal(localUrl("10.0.0.7", 80), "http://10.0.0.7:80");
});
