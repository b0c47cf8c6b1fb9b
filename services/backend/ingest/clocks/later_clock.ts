import type { Logger } from "@logtape/logtape";
import { Gauge, type Registry } from "prom-client";

/** This machine's clocks, in milliseconds. */
export interface Clocks {
  /** Since 1970, as the machine believes. */
  wallMs(): number;
  /** Since some instant; never set. */
  steadyMs(): number;
}

export interface LaterClockOptions {
  /** The database's clock, in Unix milliseconds. */
  readonly askDatabase: () => Promise<number>;
  readonly registry: Registry;
  readonly log: Logger;
  /** Those of the system, unless given. */
  readonly clocks?: Clocks;
}

const systemClocks: Clocks = { wallMs: () => Date.now(), steadyMs: () => performance.now() };
/** Clocks further apart than that are wrong, in milliseconds. */
const farApartMs = 60_000;
/** Of how many looks at clocks that stay apart one is logged. */
const looksALine = 20;

/**
 * The later of this machine's clock and the database's: a clock that is slow must
 * not make readings "of the future" that are not. Between two looks the
 * database's goes on at the pace of a clock that nobody sets.
 */
export class LaterClock {
  readonly #options: LaterClockOptions;
  readonly #clocks: Clocks;
  readonly #offset: Gauge;
  /** What to add to the steady clock for the database's. */
  #fromSteadyMs = -Infinity;
  #looksApart = 0;

  constructor(options: LaterClockOptions) {
    this.#options = options;
    this.#clocks = options.clocks ?? systemClocks;
    this.#offset = new Gauge({
      name: "clock_offset_seconds",
      help: "How far the database's clock is ahead of this machine's, when it was last asked.",
      registers: [options.registry],
    });
  }

  /** Unix milliseconds. */
  nowMs(): number {
    return Math.max(this.#clocks.wallMs(), this.#clocks.steadyMs() + this.#fromSteadyMs);
  }

  /** Asks the database for its clock; while it does not answer, what it said before holds. */
  async look(): Promise<void> {
    const { askDatabase, log } = this.#options;
    const clocks = this.#clocks;
    const askedMs = clocks.steadyMs();
    let databaseMs: number;
    try {
      databaseMs = await askDatabase();
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      return log.warning("Cannot ask the database for its clock; asked again", { error: problem });
    }
    const answeredMs = clocks.steadyMs();
    // It was read at some time between the two.
    const doubtMs = (answeredMs - askedMs) / 2;
    this.#fromSteadyMs = databaseMs - answeredMs + doubtMs;
    const offsetMs = databaseMs + doubtMs - clocks.wallMs();
    this.#offset.set(offsetMs / 1_000);
    this.#report(offsetMs, Math.abs(offsetMs) - doubtMs > farApartMs);
  }

  #report(offsetMs: number, apart: boolean): void {
    const { log } = this.#options;
    const offsetSeconds = Math.round(offsetMs / 1_000);
    if (apart && this.#looksApart++ % looksALine === 0) {
      log.error("This machine's clock and the database's are far apart; the later one holds", {
        offsetSeconds,
      });
    }
    if (!apart && this.#looksApart > 0) {
      this.#looksApart = 0;
      log.info("This machine's clock and the database's agree again", { offsetSeconds });
    }
  }
}
