import type { Fleet } from "../../generator/fleet/fleet.ts";

/** Which device ids are a run's: a table of indexes, since ids can be computed again. */
export class FleetIds {
  readonly #fleet: Fleet;
  /** Indexes of devices, each at or after the place that the key in its id leads to. */
  readonly #table: Int32Array;

  constructor(fleet: Fleet, devices: number) {
    this.#fleet = fleet;
    this.#table = new Int32Array(2 ** Math.ceil(Math.log2(devices + 1) + 1)).fill(-1);
    for (let index = 0; index < devices; index++) {
      let at = this.#placeOf(this.#id(index));
      while (this.#table[at] !== -1) at = this.#next(at);
      this.#table[at] = index;
    }
  }

  has(deviceId: string): boolean {
    for (let at = this.#placeOf(deviceId);; at = this.#next(at)) {
      const index = this.#table[at]!;
      if (index === -1) return false;
      if (this.#id(index) === deviceId) return true;
    }
  }

  #id(index: number): string {
    return this.#fleet.device(index, 0).deviceId;
  }

  /** By the 8 hex digits at its end, which are spread evenly; an id of others may have none. */
  #placeOf(deviceId: string): number {
    const key = parseInt(deviceId.slice(-8), 16);
    return Number.isNaN(key) ? 0 : key & (this.#table.length - 1);
  }

  #next(at: number): number {
    return (at + 1) & (this.#table.length - 1);
  }
}
