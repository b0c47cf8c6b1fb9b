import { percentile } from "../ingest/percentile.ts";

/** What is asked of the tables in partitions with history, and of plain rows. */
export interface Question {
  readonly what: string;
  /** Each gets a number from 0 up, by which it chooses whom to ask for; returns how much it found. */
  readonly stored: (sample: number) => Promise<number>;
  readonly plain: (sample: number) => Promise<number>;
}

/** Milliseconds. */
export interface Timed {
  readonly p50: number;
  readonly p99: number;
}

export interface Compared {
  readonly what: string;
  readonly stored: Timed;
  readonly plain: Timed;
}

/** Queries of each kind that are not counted, at most. */
const warmingSamples = 50;

/**
 * Times questions, all in turns, so that what else the machine does weighs on
 * each of them alike.
 *
 * @throws {Error} if both tables do not find the same number.
 */
export async function compareInTurns(
  questions: readonly Question[],
  samples: number,
  signal: AbortSignal,
): Promise<readonly Compared[]> {
  const asked = questions.map((question) => ({
    ...question,
    storedMs: new Float64Array(samples),
    plainMs: new Float64Array(samples),
  }));
  for (const { what, stored, plain } of questions) {
    for (let sample = 0; sample < Math.min(samples, warmingSamples); sample++) {
      signal.throwIfAborted();
      const [found, expected] = [await stored(sample), await plain(sample)];
      if (found !== expected) throw new Error(`${what}: ${found} found, and ${expected} there`);
    }
  }
  for (let sample = 0; sample < samples; sample++) {
    for (const { stored, plain, storedMs, plainMs } of asked) {
      signal.throwIfAborted();
      const startMs = performance.now();
      await stored(sample);
      const betweenMs = performance.now();
      await plain(sample);
      storedMs[sample] = betweenMs - startMs;
      plainMs[sample] = performance.now() - betweenMs;
    }
  }
  return asked.map(({ what, storedMs, plainMs }) => ({
    what,
    stored: timedOf(storedMs),
    plain: timedOf(plainMs),
  }));
}

function timedOf(ms: Float64Array): Timed {
  const sorted = ms.toSorted();
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
}
