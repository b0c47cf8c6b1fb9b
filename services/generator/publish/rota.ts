import { firstTurnUs, type Schedule } from "../run/schedule.ts";

export interface RotaOptions extends Schedule {
  /** Which of the `shares` of the fleet this is, from 0; at most `devices`. */
  readonly share: number;
  readonly shares: number;
  /** Turns of each device, if there is an end. */
  readonly count?: number | undefined;
}

/**
 * Whose turn is when, by the schedule. A share takes every `shares`th device.
 * Turns come in the order in which they are due, and are told apart by a device
 * and a cycle, so a rota costs the same for ten devices and for ten million.
 */
export class Rota {
  readonly #options: RotaOptions;
  #device: number;
  #cycle = 0;
  #dueUs: number;

  constructor(options: RotaOptions) {
    this.#options = options;
    this.#device = options.share;
    this.#dueUs = this.#due();
  }

  /** Whose turn is next. */
  get device(): number {
    return this.#device;
  }

  /** When the next turn is due, in microseconds since 1970; Infinity after the last. */
  get dueUs(): number {
    return this.#dueUs;
  }

  /** Goes on to the turn after. */
  advance(): void {
    const { devices, share, shares } = this.#options;
    this.#device += shares;
    if (this.#device >= devices) {
      this.#device = share;
      this.#cycle++;
    }
    this.#dueUs = this.#due();
  }

  /** Goes on to the first turn that is due at `instantUs` or later. */
  seek(instantUs: number): void {
    const cycles = Math.floor((instantUs - this.#dueUs) / this.#options.intervalUs);
    if (cycles > 0) {
      this.#cycle += cycles;
      this.#dueUs = this.#due();
    }
    while (this.#dueUs < instantUs) this.advance();
  }

  #due(): number {
    const { intervalUs, count } = this.#options;
    if (count !== undefined && this.#cycle >= count) return Infinity;
    return firstTurnUs(this.#options, this.#device) + this.#cycle * intervalUs;
  }
}
