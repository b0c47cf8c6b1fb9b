/** Most ids that are remembered, which takes about 20 MB. */
const most = 200_000;

/**
 * Devices that are registered, as far as writes have shown: a hint that spares
 * looking them up. The foreign key has the last word.
 */
export class KnownDevices {
  readonly #ids = new Set<string>();

  has(deviceId: string): boolean {
    return this.#ids.has(deviceId);
  }

  add(deviceId: string): void {
    if (this.#ids.size < most) this.#ids.add(deviceId);
  }

  delete(deviceId: string): void {
    this.#ids.delete(deviceId);
  }
}
