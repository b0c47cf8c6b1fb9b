import type { Publisher } from "#shared/broker/port/broker.ts";
import { Backoff } from "#shared/lifecycle/backoff.ts";
import type { Clock } from "./clock.ts";
import { Outbox, type OutboxOptions, type Outgoing } from "./outbox.ts";
import { Rota } from "./rota.ts";
import { untilAborted } from "./until_aborted.ts";

/** What a producer needs of a logger. */
export interface ProducerLog {
  info(message: string, fields: Record<string, unknown>): void;
  warning(message: string, fields: Record<string, unknown>): void;
}

export interface ProducerOptions extends OutboxOptions {
  readonly publisher: Publisher;
  readonly maxUnconfirmed: number;
  /** When device 0 has its first turn, in microseconds since 1970, whole. */
  readonly startUs: number;
  /** The first turn that is published is due at this instant or later; undefined is now. */
  readonly fromUs: number | undefined;
  /** Time between two readings of a device, in microseconds, whole. */
  readonly intervalUs: number;
  /** Readings of each device, after which the producer ends; undefined is without end. */
  readonly count: number | undefined;
  /** Devices of the whole fleet; this producer has every `shares`th, from number `share` on. */
  readonly devices: number;
  readonly share: number;
  readonly shares: number;
  readonly clock: Clock;
  readonly log: ProducerLog;
}

/** A late backend with an empty database knows every device again within this time. */
const announceEveryUs = 3_600_000_000;
/** Messages after which others have a turn on the event loop. */
const sliceMessages = 256;
/** Due readings are gathered for this long: no timer per reading. */
const shortestSleepMs = 5;
/** The clock may be set, or the machine suspended, during a sleep. */
const longestSleepMs = 1_000;
const longestDrainMs = 7_000;
const behindSeconds = 10;

/**
 * Publishes its share of the fleet: the devices, then their readings as they
 * fall due. A reading that cannot be sent yet is not kept but computed when it
 * can be, with the instant at which it was due, so that an outage of any length
 * leaves no gap and takes no memory.
 */
export class Producer {
  readonly #options: ProducerOptions;
  readonly #outbox: Outbox;
  readonly #announcements: Rota;
  readonly #readings: Rota;
  readonly #refusals = new Backoff();
  #started = false;
  #behind = false;

  constructor(options: ProducerOptions) {
    const { startUs, devices, share, shares, intervalUs, count, clock } = options;
    this.#options = options;
    this.#outbox = new Outbox(options);
    const nowUs = clock.nowUs();
    this.#readings = new Rota({ startUs, intervalUs, devices, share, shares, count });
    this.#announcements = new Rota({
      // The first turns follow the announcement of the whole fleet at the start.
      startUs: nowUs + Math.ceil(announceEveryUs / devices),
      intervalUs: announceEveryUs,
      devices,
      share,
      shares,
      // A run with an end is the same messages each time, whatever time it takes.
      count: count === undefined ? undefined : 0,
    });
  }

  /** How far the oldest reading that is due and not sent is behind, in seconds. */
  get lagSeconds(): number {
    if (!this.#started) return 0;
    let oldestUs = this.#readings.dueUs;
    for (const { kind, instantUs } of this.#outbox.refused) {
      if (kind === "reading") oldestUs = Math.min(oldestUs, instantUs);
    }
    return Math.max(0, this.#options.clock.nowUs() - oldestUs) / 1_000_000;
  }

  /** Every reading of this share that is due before this instant, and in the run, is confirmed. */
  get confirmedUntilUs(): number {
    return Math.min(this.#readings.dueUs, this.#outbox.oldestUnconfirmedUs);
  }

  /** Readings that are confirmed. */
  get confirmedReadings(): number {
    return this.#outbox.confirmedReadings;
  }

  /** Messages sent and not confirmed, and those to be sent again. */
  get unconfirmed(): number {
    return this.#outbox.inFlight + this.#outbox.refused.size;
  }

  /**
   * Runs until the run's last reading is confirmed; or until `signal` is
   * aborted and what was sent is confirmed, for which it waits 8 seconds at most.
   *
   * @throws {ExitError} when no message will ever get through.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, fromUs } = this.#options;
    await this.#announceAll(signal);
    this.#readings.seek(fromUs ?? clock.nowUs());
    this.#started = true;
    while (!signal.aborted && !this.#finished) {
      const nowUs = clock.nowUs();
      // After an outage one announcement a device will do.
      this.#announcements.seek(nowUs - announceEveryUs + 1);
      await this.#send(() => this.#takeDue(nowUs), signal);
      this.#noteLag();
      if (this.#allSent) await untilAborted(this.#outbox.idle(), signal);
      else await this.#sleepUntilDue(signal);
    }
    await this.#drain();
    const { confirmedDevices: announcements, confirmedReadings: readings } = this.#outbox;
    log.info("Stopped publishing", { readings, announcements, unconfirmed: this.unconfirmed });
  }

  get #allSent(): boolean {
    return this.#readings.dueUs === Infinity;
  }

  get #finished(): boolean {
    return this.#allSent && this.unconfirmed === 0;
  }

  async #announceAll(signal: AbortSignal): Promise<void> {
    const { clock, devices, share, shares, startUs, count } = this.#options;
    let device = share;
    await this.#send(() => {
      if (device >= devices) return undefined;
      const announced = device;
      device += shares;
      return {
        kind: "device",
        device: announced,
        instantUs: count === undefined ? clock.nowUs() : startUs,
      };
    }, signal);
  }

  #takeDue(nowUs: number): Outgoing | undefined {
    const announcing = this.#announcements.dueUs <= this.#readings.dueUs;
    const rota = announcing ? this.#announcements : this.#readings;
    const { device, dueUs } = rota;
    if (dueUs > nowUs) return undefined;
    rota.advance();
    return announcing
      ? { kind: "device", device, instantUs: nowUs }
      : { kind: "reading", device, instantUs: dueUs };
  }

  /** Sends what `next` gives until it gives nothing more, as the broker has room for it. */
  async #send(next: () => Outgoing | undefined, signal: AbortSignal): Promise<void> {
    const { publisher, maxUnconfirmed, clock } = this.#options;
    let sent = 0;
    while (!signal.aborted) {
      if (this.#outbox.refused.size > 0) {
        await this.#resendRefused(signal);
        continue;
      }
      if (publisher.unconfirmed >= maxUnconfirmed) {
        await untilAborted(publisher.room(), signal);
        continue;
      }
      const message = next();
      if (message === undefined) return;
      this.#outbox.send(message, sent % sliceMessages === 0);
      sent++;
      if (sent % sliceMessages === 0) await clock.breathe();
    }
  }

  /**
   * Waits, sends what was refused again, and awaits the outcome before anything
   * new is sent: so no more is ever refused than fits the window.
   */
  async #resendRefused(signal: AbortSignal): Promise<void> {
    const { publisher, maxUnconfirmed, clock, log } = this.#options;
    if (this.#outbox.fatal !== undefined) throw this.#outbox.fatal;
    await untilAborted(this.#outbox.idle(), signal);
    const messages = this.#outbox.refused.size;
    const waitMs = this.#refusals.next();
    log.warning("Broker refused messages, sending them again", { messages, waitMs });
    await clock.sleep(waitMs, signal);
    for (let resent = 0; resent < messages && !signal.aborted;) {
      if (publisher.unconfirmed >= maxUnconfirmed) {
        await untilAborted(publisher.room(), signal);
      } else {
        this.#outbox.resendOne();
        resent++;
      }
    }
    await untilAborted(this.#outbox.idle(), signal);
    if (this.#outbox.refused.size === 0) this.#refusals.reset();
  }

  async #sleepUntilDue(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const dueUs = Math.min(this.#readings.dueUs, this.#announcements.dueUs);
    const waitMs = Math.ceil((dueUs - clock.nowUs()) / 1_000);
    if (waitMs <= 0) return await clock.breathe();
    await clock.sleep(Math.min(longestSleepMs, Math.max(shortestSleepMs, waitMs)), signal);
  }

  #noteLag(): void {
    const lagSeconds = Math.round(this.lagSeconds * 10) / 10;
    if (!this.#behind && lagSeconds > behindSeconds) {
      this.#behind = true;
      this.#options.log.warning("Readings are behind their schedule", { lagSeconds });
    } else if (this.#behind && lagSeconds < 1) {
      this.#behind = false;
      this.#options.log.info("Readings are on schedule again", { lagSeconds });
    }
  }

  async #drain(): Promise<void> {
    const { clock } = this.#options;
    const deadline = new AbortController();
    const timer = clock.sleep(longestDrainMs, deadline.signal).then(() => deadline.abort());
    try {
      while (this.unconfirmed > 0 && !deadline.signal.aborted) {
        if (this.#outbox.refused.size > 0) await this.#resendRefused(deadline.signal);
        else await untilAborted(this.#outbox.idle(), deadline.signal);
      }
    } finally {
      deadline.abort();
      await timer;
    }
  }
}
