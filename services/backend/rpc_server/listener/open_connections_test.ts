import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import type { Refusal } from "../requests/refusals.ts";
import { OpenConnections } from "./open_connections.ts";
import { StalledSockets } from "./stalled_sockets.ts";

/** As much of a socket as is used here. */
class FakeSocket extends EventEmitter {
  writableLength = 0;
  bytesWritten = 0;
  destroyed = false;

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit("close");
  }
}

// The slice of a socket that is used here has these members and no others.
const asSocket = (socket: FakeSocket) => socket as unknown as Socket;

Deno.test("OpenConnections makes the one that is idle for longest give way to a new one", () => {
  const refusals: Refusal[] = [];
  using open = new OpenConnections({
    maxConnections: 3,
    stalledMs: 1_000,
    refused: (reason) => refusals.push(reason),
  });
  const admit = (idleSinceMs: number | undefined) => {
    const socket = new FakeSocket();
    if (!open.admit(asSocket(socket))) return socket;
    open.serve(asSocket(socket), {
      idleSinceMs: () => idleSinceMs,
      end: () => socket.destroy(),
    });
    return socket;
  };
  const sockets = [admit(undefined), admit(20), admit(10)];
  const destroyed = () => sockets.map(({ destroyed }) => destroyed);
  sockets.push(admit(undefined));
  assert.deepEqual(destroyed(), [false, false, true, false]);
  sockets.push(admit(undefined));
  assert.deepEqual(destroyed(), [false, true, true, false, false]);
  sockets.push(admit(undefined));
  assert.deepEqual(destroyed(), [false, true, true, false, false, true], "all of them work");
  assert.deepEqual(refusals, ["idle_connection", "idle_connection", "connections"]);
  sockets[0]!.destroy();
  sockets.push(admit(undefined));
  assert.equal(sockets.at(-1)!.destroyed, false, "one has left");
});

Deno.test("StalledSockets tells those that take nothing from those that are slow", () => {
  const clock = { ms: 0 };
  const stalled = new StalledSockets(1_000, () => clock.ms);
  const [idle, stuck, slow] = [new FakeSocket(), new FakeSocket(), new FakeSocket()];
  const look = () => [idle, stuck, slow].map((socket) => stalled.has(asSocket(socket)));
  for (const socket of [stuck, slow]) socket.bytesWritten = socket.writableLength = 1_000;
  assert.deepEqual(look(), [false, false, false]);
  clock.ms = 999;
  slow.writableLength -= 1;
  stuck.bytesWritten = stuck.writableLength += 500; // more to send is no progress
  assert.deepEqual(look(), [false, false, false]);
  clock.ms = 1_000;
  assert.deepEqual(look(), [false, true, false]);
});
