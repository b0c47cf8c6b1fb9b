import assert from "node:assert/strict";
import { UnconfirmedWindow } from "./unconfirmed_window.ts";

Deno.test("UnconfirmedWindow makes those wait who find it full, until one leaves", async () => {
  const window = new UnconfirmedWindow(2);
  window.enter();
  await window.room();
  window.enter();
  let passed = 0;
  const waiting = [window.room(), window.room()].map((room) => room.then(() => passed++));
  await Promise.resolve();
  assert.equal(passed, 0);
  window.leave();
  await Promise.all(waiting);
  assert.equal(window.size, 1);
});

Deno.test("UnconfirmedWindow that is overfull has no room until it is below its limit", async () => {
  const window = new UnconfirmedWindow(1);
  window.enter();
  window.enter();
  let room = false;
  const waiting = window.room().then(() => room = true);
  window.leave();
  await Promise.resolve();
  assert(!room);
  window.leave();
  await waiting;
});

Deno.test("UnconfirmedWindow lets everyone go on at the end", async () => {
  const window = new UnconfirmedWindow(1);
  window.enter();
  const waiting = [window.room(), window.room()];
  window.releaseAll();
  await Promise.all(waiting);
});
