import assert from "node:assert/strict";
import type { Terminal } from "#shared/output/status_line.ts";
import { type ProgressClock, showProgress } from "./progress.ts";

/** A clock that ticks when it is told to. */
class TickingClock implements ProgressClock {
  #nowMs = 5_000;
  #tick: { readonly ms: number; readonly call: () => void } | undefined;

  nowMs(): number {
    return this.#nowMs;
  }

  every(ms: number, call: () => void): Disposable {
    this.#tick = { ms, call };
    return { [Symbol.dispose]: () => this.#tick = undefined };
  }

  /** Lets the time until the next tick pass; false if nothing ticks. */
  tick(): boolean {
    this.#nowMs += this.#tick?.ms ?? 0;
    this.#tick?.call();
    return this.#tick !== undefined;
  }
}

/** Progress of 1,000, done as `done` says, with what it drew and logged. */
function show(columns?: number) {
  const clock = new TickingClock();
  const drawn: string[] = [];
  const logged: unknown[] = [];
  const terminal: Terminal | undefined = columns === undefined
    ? undefined
    : { columns, draw: (line) => drawn.push(line) };
  const state = { done: 0 };
  const progress = showProgress({
    title: "Publishing readings",
    total: 1_000,
    done: () => state.done,
    terminal,
    log: { info: (message, fields) => logged.push({ message, ...fields }) },
    clock,
  });
  return { clock, drawn, logged, state, progress };
}

Deno.test("showProgress logs a line now and then where there is no terminal", () => {
  const { clock, drawn, logged, state, progress } = show();
  state.done = 200;
  clock.tick();
  state.done = 600;
  clock.tick();
  const message = "Publishing readings";
  assert.deepEqual(logged, [
    { message, done: 200, total: 1_000, percent: 20, perSecond: 20, left: "40s" },
    { message, done: 600, total: 1_000, percent: 60, perSecond: 30, left: "14s" },
  ]);
  progress[Symbol.dispose]();
  assert.equal(clock.tick(), false);
  assert.deepEqual(drawn, []);
});

Deno.test("showProgress goes by the rate of the last while, and knows when nothing moves", () => {
  const { clock, logged, state, progress } = show();
  using _ = progress;
  for (const done of [500, 500, 500, 500, 500]) {
    state.done = done;
    clock.tick();
  }
  assert.deepEqual(
    logged.map((line) => (line as { readonly left: string }).left),
    ["10s", "20s", "30s", "unknown", "unknown"],
  );
});

Deno.test("showProgress draws a bar on a terminal, and takes it away at the end", () => {
  const { clock, drawn, logged, state, progress } = show(120);
  state.done = 500;
  clock.tick();
  state.done = 1_000;
  clock.tick();
  progress[Symbol.dispose]();
  const title = "Publishing readings";
  assert.deepEqual(drawn, [
    `${title}  ${"█".repeat(15)}${"░".repeat(15)}  50 %  500 of 1,000  2,000/s  1s left`,
    `${title}  ${"█".repeat(30)}  100 %  1,000 of 1,000  2,000/s  0s left`,
    "",
  ]);
  assert.deepEqual(logged, []);
});

Deno.test("showProgress never fills a line of the terminal", () => {
  for (const columns of [120, 80, 60, 40, 20, 1]) {
    const { clock, drawn, state, progress } = show(columns);
    using _ = progress;
    state.done = 333;
    clock.tick();
    assert.equal(drawn.length, 1);
    assert(drawn[0]!.length < columns, `${columns}: ${drawn[0]}`);
  }
});
