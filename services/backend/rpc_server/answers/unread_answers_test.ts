import assert from "node:assert/strict";
import { UnreadAnswers } from "./unread_answers.ts";

/** Answers that note their names when they are ended, on a clock that a test sets. */
function unreadAnswers() {
  const clock = { ms: 0 };
  const ended: string[] = [];
  const unread = new UnreadAnswers({
    maxUnreadBytes: 100,
    stalledMs: 30_000,
    pressedMs: 5_000,
    now: () => clock.ms,
  });
  const open = (name: string) => {
    const answer = unread.open(() => {
      ended.push(name);
      answer.close();
    });
    return answer;
  };
  return { clock, ended, unread, open };
}

Deno.test("UnreadAnswers ends answers of which nothing is read for long", () => {
  const { clock, ended, unread, open } = unreadAnswers();
  const [stalled, slow] = [open("stalled"), open("slow")];
  open("empty");
  stalled.hold(10);
  slow.hold(20);
  clock.ms = 29_999;
  slow.hold(19);
  unread.endStalled();
  assert.deepEqual(ended, []);
  clock.ms = 30_000;
  unread.endStalled();
  assert.deepEqual(ended, ["stalled"]);
  assert.equal(unread.bytes, 19);
  slow.close();
  slow.hold(5); // it is over: nothing is held for it
  assert.equal(unread.bytes, 0);
});

Deno.test("UnreadAnswers ends those that stall sooner once too much is unread, the longest first", () => {
  const { clock, ended, unread, open } = unreadAnswers();
  for (const [at, name] of ["first", "second", "third"].entries()) {
    clock.ms = at * 1_000;
    open(name).hold(30);
  }
  clock.ms = 4_999;
  const next = open("next");
  next.hold(30);
  assert.deepEqual(ended, [], "none of them has stalled for 5 s");
  assert.equal(unread.full, true);
  clock.ms = 6_000;
  next.hold(29);
  assert.deepEqual(ended, ["first"], "which is enough");
  assert.equal(unread.full, false);
});
