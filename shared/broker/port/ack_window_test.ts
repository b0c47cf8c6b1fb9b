import assert from "node:assert/strict";
import fc from "fast-check";
import { AckWindow } from "./ack_window.ts";

/** A broker's side of one channel: acks of what is not outstanding would close it. */
class Outstanding {
  readonly tags = new Set<number>();
  acks = 0;

  readonly ack = (tag: number, multiple: boolean): void => {
    assert(this.tags.has(tag), `unknown delivery tag ${tag}`);
    this.acks++;
    if (!multiple) this.tags.delete(tag);
    else for (const other of this.tags) if (other <= tag) this.tags.delete(other);
  };
}

Deno.test("AckWindow acks all up to the first that is open, at once", () => {
  const sent: [number, boolean][] = [];
  const window = new AckWindow((tag, multiple) => sent.push([tag, multiple]), 10);
  for (const tag of [1, 2, 3, 4]) window.deliver(tag);
  window.settle(2);
  window.flush();
  assert.deepEqual(sent, []);
  window.settle(1);
  window.settle(4);
  window.flush();
  window.flush();
  assert.deepEqual(sent, [[2, true]]);
  window.flushAll();
  assert.deepEqual(sent, [[2, true], [4, false]]);
  window.settle(3);
  window.flush();
  assert.deepEqual(sent, [[2, true], [4, false], [3, true]]);
});

Deno.test("AckWindow holds back no more than it may", () => {
  const outstanding = new Outstanding();
  const window = new AckWindow(outstanding.ack, 4);
  for (let tag = 1; tag <= 100; tag++) {
    outstanding.tags.add(tag);
    window.deliver(tag);
    if (tag > 1) window.settle(tag);
    window.flush();
    assert(outstanding.tags.size <= 5);
  }
});

Deno.test("AckWindow stays quick and small while one message stays open for millions", () => {
  let acks = 0;
  const window = new AckWindow(() => acks++, 2_500);
  window.deliver(1);
  const startMs = performance.now();
  for (let tag = 2; tag <= 3_000_000; tag++) {
    window.deliver(tag);
    window.settle(tag);
    if (tag % 1_000 === 0) window.flush();
  }
  window.flushAll();
  assert.equal(acks, 2_999_999);
  assert.ok(performance.now() - startMs < 5_000);
  window.settle(1);
  window.flush();
  assert.equal(acks, 3_000_000);
});

Deno.test("AckWindow never acks what is open, and acks all in the end", () => {
  const order = fc.array(fc.nat({ max: 60 }), { maxLength: 200 });
  fc.assert(fc.property(order, fc.nat({ max: 20 }), (settles, maxHeld) => {
    const outstanding = new Outstanding();
    const window = new AckWindow(outstanding.ack, maxHeld);
    const open = new Set<number>();
    let delivered = 0;
    for (const settle of settles) {
      // Three of four times something is delivered, else settled, now and then twice.
      if (settle % 4 !== 0) {
        outstanding.tags.add(++delivered);
        window.deliver(delivered);
        open.add(delivered);
      }
      const tag = 1 + settle % Math.max(1, delivered);
      window.settle(tag);
      open.delete(tag);
      if (settle % 3 === 0) window.flush();
      for (const tag of open) assert(outstanding.tags.has(tag), `acked ${tag}, which is open`);
    }
    window.flushAll();
    assert.deepEqual(outstanding.tags, open);
    for (const tag of open) window.settle(tag);
    window.flush();
    assert.equal(outstanding.tags.size, 0);
  }));
});
