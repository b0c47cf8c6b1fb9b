import { type Measured, type MeasuredValues, valuesOf } from "#shared/telemetry/measures.ts";
import { isWithin } from "../../backend/store/rollups/is_within.ts";
import {
  packedAt,
  packedMicros,
  packedRowBytes,
  type PackedRows,
  packedTieBreak,
  packedValues,
} from "../../backend/store/runs/packed_rows.ts";
import type { RowPosition } from "../../backend/store/runs/read_run.ts";
import type { Span } from "../../backend/store/runs/span.ts";
import type { DeviceTurns } from "./device_turns.ts";

/** What a device measured, in the order of `measures`. */
type Values = Readonly<MeasuredValues>;

/** How a device's readings differ from those that it published. */
export type Difference = "missing" | "doubled" | "altered" | "unexpected" | "parked";

export interface Found {
  readonly difference: Difference;
  /** Unix microseconds. */
  readonly micros: number;
  /** What was published at that instant, if anything was. */
  readonly expected: Values | undefined;
  /** What is there, if anything is. */
  readonly found: Values | undefined;
}

export interface DeviceComparisonOptions {
  readonly turns: DeviceTurns;
  readonly readingAt: (instantUs: number) => Measured;
  readonly onDifference: (found: Found) => void;
  /** Told of each turn, in their order, what was published. */
  readonly onTurn: (instantUs: number, published: Values) => void;
}

/**
 * Compares one device's rows with its turns, in one pass over both in the order
 * of their instants; keeps nothing but the turn that it is at.
 */
export class DeviceComparison {
  /** Readings that are stored as they were published. */
  matched = 0;
  /** Readings that are not there since they were dropped. */
  dropped = 0;
  readonly #options: DeviceComparisonOptions;
  #turn = 0;
  #dueUs: number;
  #expected: Values | undefined;
  /** Rows of the turn under way that hold what was published. */
  #stored = 0;
  #parked = 0;
  /** Rows of its instant that hold something else. */
  #others: Values[] = [];
  #last: RowPosition | undefined;
  #dropped: readonly Span[] = [];

  constructor(options: DeviceComparisonOptions) {
    this.#options = options;
    this.#dueUs = options.turns.firstUs;
  }

  /** Turns that were judged. */
  get turn(): number {
    return this.#turn;
  }

  /** The last row that was looked at. */
  get last(): RowPosition | undefined {
    return this.#last;
  }

  /**
   * Takes the device's next rows.
   *
   * @param dropped what is of these spans may be gone, and is not missing then; at
   * some time after the rows were read.
   */
  take(packed: PackedRows, dropped: readonly Span[]): void {
    this.#dropped = dropped;
    const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
    for (let row = 0; row < packed.byteLength; row += packedRowBytes) {
      const micros = packedMicros(view, row);
      const parked = view.getUint8(row + packedAt.parked) === 1;
      while (this.#due() && this.#dueUs < micros) this.#settle();
      // The nanoseconds are in the high bits, which a run's readings leave at 0.
      const whole = view.getUint16(row + packedAt.tieBreak) < 32;
      if (this.#due() && this.#dueUs === micros && whole) {
        this.#compare(view, row, parked);
      } else {
        const found = packedValues(view, row);
        this.#report(parked ? "parked" : "unexpected", micros, undefined, found);
      }
      if (row + packedRowBytes >= packed.byteLength) {
        this.#last = { micros, tieBreak: packedTieBreak(view, row), parked };
      }
    }
  }

  /** Settles the turns of which no row has come. */
  finish(): void {
    while (this.#due()) this.#settle();
  }

  #due(): boolean {
    return this.#turn < this.#options.turns.count;
  }

  #compare(view: DataView, row: number, parked: boolean): void {
    const expected = this.#expected ??= valuesOf(this.#options.readingAt(this.#dueUs));
    const found = packedValues(view, row);
    const same = expected.every((value, at) => value === found[at]);
    if (parked && same) this.#parked++;
    else if (parked) this.#report("parked", this.#dueUs, expected, found);
    else if (same) this.#stored++;
    else this.#others.push(found);
  }

  /** Judges the turn under way, now that all its rows are known, and goes on to the next. */
  #settle(): void {
    const micros = this.#dueUs;
    const expected = this.#expected ?? valuesOf(this.#options.readingAt(micros));
    this.#options.onTurn(micros, expected);
    if (this.#stored > 0) this.matched++;
    if (this.#stored !== 1 || this.#parked > 0 || this.#others.length > 0) {
      for (let copy = 1; copy < this.#stored; copy++) {
        this.#report("doubled", micros, expected, expected);
      }
      for (let copy = 0; copy < this.#parked; copy++) {
        this.#report("parked", micros, expected, expected);
      }
      const [other] = this.#others;
      // Of several others one stands in for the reading that is not there.
      const altered = this.#stored === 0 && this.#parked === 0 && other !== undefined;
      if (altered) this.#report("altered", micros, expected, other);
      for (const extra of altered ? this.#others.slice(1) : this.#others) {
        this.#report("unexpected", micros, expected, extra);
      }
      if (this.#stored === 0 && this.#parked === 0 && other === undefined) {
        if (isWithin(micros, this.#dropped)) this.dropped++;
        else this.#report("missing", micros, expected, undefined);
      }
      this.#others = [];
    }
    this.#stored = this.#parked = 0;
    this.#expected = undefined;
    this.#turn++;
    this.#dueUs += this.#options.turns.intervalUs;
  }

  #report(
    difference: Difference,
    micros: number,
    expected: Values | undefined,
    found: Values | undefined,
  ): void {
    this.#options.onDifference({ difference, micros, expected, found });
  }
}
