import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { guardGoaway } from "./goaway_guard.ts";

/** As node:http2 does it: the event, and at once the end. */
class Session extends EventEmitter {
  readonly ends: string[] = [];

  close(): void {
    this.ends.push("close");
    this.emit("ended");
  }

  destroy(error?: Error | number): void {
    this.ends.push(`destroy ${error}`);
    this.emit("ended");
  }
}

function guardedSession(): Session {
  const session = new Session();
  // The slice of a session that the guard uses, by a name for it of its own.
  guardGoaway(session as unknown as Parameters<typeof guardGoaway>[0]);
  return session;
}

Deno.test("guardGoaway puts the end of a session off until GOAWAY has been read", async () => {
  const session = guardedSession();
  session.emit("goaway", 2);
  session.destroy(2);
  session.close();
  assert.deepEqual(session.ends, []);
  await once(session, "ended");
  assert.deepEqual(session.ends, ["destroy 2", "close"]);
});

Deno.test("guardGoaway ends a session at once at any other time", async () => {
  const session = guardedSession();
  session.close();
  assert.deepEqual(session.ends, ["close"]);
  session.emit("goaway", 0);
  await new Promise((resolve) => setImmediate(resolve));
  session.destroy();
  assert.deepEqual(session.ends, ["close", "destroy undefined"]);
});
