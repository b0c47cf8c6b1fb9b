import assert from "node:assert/strict";
import type { Socket } from "node:net";
import type { Connection } from "./open_connections.ts";
import { type Connections, listenOnSharedPort } from "./shared_port.ts";

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** Answers every connection with its name and then what it reads, in capitals. */
class Echo implements Connections {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  accept(socket: Socket): Connection {
    socket.write(`${this.#name}:`);
    socket.on("data", (chunk) => socket.write(chunk.toString().toUpperCase()));
    socket.on("end", () => socket.end());
    return { idleSinceMs: () => undefined, end: () => {} };
  }

  drain(): void {}
  destroy(): void {}
}

function listen(sniffMs = 60_000) {
  return listenOnSharedPort({
    host: "127.0.0.1",
    port: 0,
    portKey: "port",
    http1: new Echo("http1"),
    http2: new Echo("http2"),
    sniffMs,
    graceMs: 0,
    maxConnections: 100,
    stalledMs: 60_000,
    refused: () => {},
  });
}

/** Sends the parts, each in a TCP segment of its own, and returns all that comes back. */
async function exchange(port: number, parts: readonly string[]): Promise<string> {
  using connection = await Deno.connect({ port });
  connection.setNoDelay();
  const answer = new Response(connection.readable).text();
  const writer = connection.writable.getWriter();
  for (const part of parts) {
    await writer.write(new TextEncoder().encode(part));
    // A round trip of its own: Nagle is off, and the server reads meanwhile.
    (await Deno.connect({ port })).close();
  }
  await connection.closeWrite();
  return await answer;
}

Deno.test("a shared port tells the protocols apart and loses no byte", async () => {
  await using shared = await listen();
  const { port } = shared;
  assert.equal(await exchange(port, ["get / http/1.1"]), "http1:GET / HTTP/1.1");
  assert.equal(await exchange(port, ["g", "et /"]), "http1:GET /");
  assert.equal(await exchange(port, [preface + "frames"]), `http2:${preface}FRAMES`);
  assert.equal(await exchange(port, [...preface, "frames"]), `http2:${preface}FRAMES`);
  // Alike as far as it goes, and then not.
  assert.equal(await exchange(port, ["PRI * HTTP/", "1.1\r\n"]), "http1:PRI * HTTP/1.1\r\n");
});

Deno.test("a shared port hangs up on clients that end or stay silent before they are known", async () => {
  await using shared = await listen(50);
  assert.equal(await exchange(shared.port, ["PRI"]), "");
  using silent = await Deno.connect({ port: shared.port });
  assert.equal(await silent.read(new Uint8Array(1)), null);
});

Deno.test("a shared port closes with clients that it does not know yet", async () => {
  const shared = await listen();
  using silent = await Deno.connect({ port: shared.port });
  assert.equal(await exchange(shared.port, ["x"]), "http1:X");
  await shared[Symbol.asyncDispose]();
  assert.equal(await silent.read(new Uint8Array(1)), null);
});
