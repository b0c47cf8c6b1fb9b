import { percentile } from "../ingest/percentile.ts";
import type { MeasuredDatabase } from "./storage_site.ts";

/** What is asked of the tables in partitions with history, and of plain rows. */
export interface Question {
  readonly what: string;
  /** Each gets a number from 0 up, by which it chooses whom to ask for; returns how much it found. */
  readonly stored: (sample: number) => Promise<number>;
  readonly plain: (sample: number) => Promise<number>;
}

/** Milliseconds a query. */
export interface Timed {
  readonly p50: number;
  readonly p99: number;
  /** On the average, of this process and PostgreSQL's: other work of the machine takes no part. */
  readonly cpu: number | undefined;
}

export interface Compared {
  readonly what: string;
  readonly stored: Timed;
  readonly plain: Timed;
}

/** Queries of each kind that are not counted, at most. */
const warmingSamples = 50;
/** Queries of a kind until it is another's turn. */
const turnSamples = 50;

/**
 * Times questions, all in turns, so that what else the machine does weighs on
 * each of them alike.
 *
 * @throws {Error} if both tables do not find the same number.
 */
export async function compareInTurns(
  { countCpu }: Pick<MeasuredDatabase, "countCpu">,
  questions: readonly Question[],
  samples: number,
  signal: AbortSignal,
): Promise<readonly Compared[]> {
  for (const { what, stored, plain } of questions) {
    for (let sample = 0; sample < Math.min(samples, warmingSamples); sample++) {
      signal.throwIfAborted();
      const [found, expected] = [await stored(sample), await plain(sample)];
      if (found !== expected) throw new Error(`${what}: ${found} found, and ${expected} there`);
    }
  }
  const asked = questions.map(({ what, stored, plain }) => ({
    what,
    stored: new Timing(stored, countCpu),
    plain: new Timing(plain, countCpu),
  }));
  for (let from = 0; from < samples; from += turnSamples) {
    for (const { stored, plain } of asked) {
      signal.throwIfAborted();
      const until = Math.min(from + turnSamples, samples);
      await stored.take(from, until);
      await plain.take(from, until);
    }
  }
  return asked.map(({ what, stored, plain }) => ({
    what,
    stored: stored.timed(),
    plain: plain.timed(),
  }));
}

class Timing {
  readonly #query: (sample: number) => Promise<number>;
  readonly #countCpu: MeasuredDatabase["countCpu"];
  readonly #ms: number[] = [];
  #cpuMicros: number | undefined = 0;

  constructor(
    query: (sample: number) => Promise<number>,
    countCpu: MeasuredDatabase["countCpu"],
  ) {
    this.#query = query;
    this.#countCpu = countCpu;
  }

  /** Asks for the samples from `from` until before `until`. */
  async take(from: number, until: number): Promise<void> {
    const cpuSince = await this.#countCpu();
    for (let sample = from; sample < until; sample++) {
      const startMs = performance.now();
      await this.#query(sample);
      this.#ms.push(performance.now() - startMs);
    }
    const { own, postgres } = await cpuSince();
    this.#cpuMicros = this.#cpuMicros === undefined || postgres === undefined
      ? undefined
      : this.#cpuMicros + own + postgres;
  }

  timed(): Timed {
    const sorted = Float64Array.from(this.#ms).sort();
    return {
      p50: percentile(sorted, 0.5),
      p99: percentile(sorted, 0.99),
      cpu: this.#cpuMicros && this.#cpuMicros / 1_000 / sorted.length,
    };
  }
}
