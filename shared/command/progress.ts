import { formatDuration } from "#shared/config/duration.ts";
import type { Terminal } from "#shared/output/status_line.ts";

export interface ProgressOptions {
  /** What is going on, such as `Publishing readings`: the message of the lines in the log. */
  readonly title: string;
  /** How many there are to do, at least 1. */
  readonly total: number;
  /** How many are done. */
  readonly done: () => number;
  /** Where a bar is drawn; where there is none, lines go to the log. */
  readonly terminal: Terminal | undefined;
  readonly log: { info(message: string, fields: Record<string, unknown>): void };
  /** The time that it goes by: the system's unless given. */
  readonly clock?: ProgressClock;
}

export interface ProgressClock {
  /** Milliseconds, from any start. */
  nowMs(): number;
  /** Calls `tick` every `ms` milliseconds, until disposed. */
  every(ms: number, tick: () => void): Disposable;
}

/** Time between two drawings of the bar, and between two lines of the log, in milliseconds. */
const everyMs = { bar: 250, line: 10_000 };
/** The rate is the mean of so many milliseconds. */
const rateOverMs = 30_000;
const barColumns = 30;

/**
 * Shows how much is done, how fast it goes and how long it will take, until
 * disposed: a bar on a terminal, a line in the log every 10 seconds elsewhere.
 */
export function showProgress(options: ProgressOptions): Disposable {
  const { title, total, done, terminal, log, clock = systemClock } = options;
  const meter = new Meter(total, clock.nowMs(), done());
  const measure = () => meter.measure(clock.nowMs(), done());
  const ticking = terminal === undefined
    ? clock.every(everyMs.line, () => log.info(title, fieldsOf(measure(), total)))
    : clock.every(everyMs.bar, () => terminal.draw(barOf(title, measure(), total, terminal)));
  return {
    [Symbol.dispose]() {
      ticking[Symbol.dispose]();
      terminal?.draw("");
    },
  };
}

interface Measured {
  readonly done: number;
  /** Whole percents, 100 only once all is done. */
  readonly percent: number;
  readonly perSecond: number;
  /** Undefined while nothing moves. */
  readonly leftMs: number | undefined;
}

/** Rate and time left, by what was done within the last while. */
class Meter {
  readonly #total: number;
  readonly #samples: { readonly atMs: number; readonly done: number }[];

  constructor(total: number, nowMs: number, done: number) {
    this.#total = total;
    this.#samples = [{ atMs: nowMs, done }];
  }

  measure(nowMs: number, done: number): Measured {
    const samples = this.#samples;
    // The oldest that remains is as old as the span, or older where ticks are rare.
    while (samples.length > 1 && nowMs - samples[1]!.atMs >= rateOverMs) samples.shift();
    const { atMs, done: before } = samples[0]!;
    samples.push({ atMs: nowMs, done });
    const perMs = nowMs > atMs ? Math.max(0, done - before) / (nowMs - atMs) : 0;
    return {
      done,
      percent: Math.min(100, Math.floor(done / this.#total * 100)),
      perSecond: Math.round(perMs * 1_000),
      leftMs: perMs === 0 ? undefined : Math.max(0, this.#total - done) / perMs,
    };
  }
}

function fieldsOf({ done, percent, perSecond, leftMs }: Measured, total: number) {
  return { done, total, percent, perSecond, left: durationOf(leftMs) };
}

function barOf(
  title: string,
  { done, percent, perSecond, leftMs }: Measured,
  total: number,
  { columns }: Terminal,
): string {
  const filled = Math.floor(percent / 100 * barColumns);
  const bar = "█".repeat(filled) + "░".repeat(barColumns - filled);
  const words = `${percent} %  ${count(done)} of ${count(total)}  ${count(perSecond)}/s  ` +
    (leftMs === undefined ? "time left unknown" : `${durationOf(leftMs)} left`);
  // Of a line that wraps, only the last row could be drawn over.
  const whole = [`${title}  ${bar}  ${words}`, `${title}  ${words}`, words];
  return whole.find((line) => line.length < columns) ?? words.slice(0, Math.max(0, columns - 1));
}

function durationOf(ms: number | undefined): string {
  return ms === undefined ? "unknown" : formatDuration(Math.ceil(ms / 1_000) * 1_000, 2);
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

const systemClock: ProgressClock = {
  nowMs: () => performance.now(),
  every(ms, tick) {
    const timer = setInterval(tick, ms);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  },
};
