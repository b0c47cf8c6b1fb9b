import { type Measured, type MeasuredValues, valuesOf } from "#shared/telemetry/measures.ts";
import type { ReadingPosition, ReadingRow } from "../../services/backend/readings/reading_row.ts";
import { tieBreak } from "../../services/backend/readings/tie_break.ts";
import { dayMicros, dayOf } from "../../services/backend/store/partitions/days.ts";
import { turnsOf } from "../../services/cli/verify/device_turns.ts";
import { Fleet, modelVersion } from "../../services/generator/fleet/fleet.ts";
import type { RunManifest } from "../../services/generator/run/run_manifest.ts";

export interface RunOptions {
  readonly seed: number;
  readonly devices: number;
  readonly intervalUs: number;
  /** Whole days before that of `untilUs`. */
  readonly days: number;
  readonly untilUs: number;
  /** What is measured, of what the fleet's model says; the same unless given. */
  readonly measured?: (reading: Measured, index: number, turn: number) => Measured;
}

/** What a run of the generator has published from a day's beginning until a moment. */
export class StoredRun {
  readonly manifest: RunManifest;
  readonly untilUs: number;
  readonly deviceIds: readonly string[];
  readonly #fleet: Fleet;
  readonly #measured: NonNullable<RunOptions["measured"]>;

  constructor({ seed, devices, intervalUs, days, untilUs, measured }: RunOptions) {
    const startUs = dayOf(untilUs) - days * dayMicros;
    this.manifest = {
      model: modelVersion,
      seed,
      devices,
      startUs,
      intervalUs,
      count: undefined,
      confirmedUntilUs: undefined,
    };
    this.untilUs = untilUs;
    this.#fleet = new Fleet(seed);
    this.#measured = measured ?? ((reading) => reading);
    this.deviceIds = Array.from(
      { length: devices },
      (_, index) => this.#fleet.device(index, 0).deviceId,
    );
  }

  get readings(): number {
    let readings = 0;
    for (let index = 0; index < this.deviceIds.length; index++) readings += this.turns(index);
    return readings;
  }

  /** How many readings a device has. */
  turns(index: number): number {
    return turnsOf(this.manifest, index, this.untilUs).count;
  }

  /** A device's reading, the oldest of them being turn 0. */
  row(index: number, turn: number): ReadingRow {
    const micros = this.#firstUs(index) + turn * this.manifest.intervalUs;
    const values = this.#valuesAt(index, turn, micros);
    return { deviceId: this.deviceIds[index]!, micros, tieBreak: tieBreak(0, values), values };
  }

  /** Before which are all but the `depth` newest readings of a device. */
  position(index: number, depth: number): ReadingPosition {
    return this.row(index, Math.max(this.turns(index) - depth, 0));
  }

  /** In the order in which they come, so many at once. */
  *batches(rows: number): Generator<readonly ReadingRow[]> {
    let batch: ReadingRow[] = [];
    const turns = this.turns(0);
    for (let turn = 0; turn < turns; turn++) {
      for (let index = 0; index < this.deviceIds.length; index++) {
        if (turn >= this.turns(index)) break;
        batch.push(this.row(index, turn));
        if (batch.length < rows) continue;
        yield batch;
        batch = [];
      }
    }
    if (batch.length > 0) yield batch;
  }

  #firstUs(index: number): number {
    return turnsOf(this.manifest, index, this.untilUs).firstUs;
  }

  #valuesAt(index: number, turn: number, micros: number): MeasuredValues {
    return valuesOf(this.#measured(this.#fleet.reading(index, micros), index, turn));
  }
}
