import type { TenantId } from "#shared/telemetry/tenant.ts";

/** How long it is before a device's pace is learned again, in milliseconds. */
const keptMs = 60_000;
/** Most devices that are remembered, which takes about 20 MB. */
const most = 200_000;

/** When the usual interval of each device was learned: that takes a look at several readings. */
export class KnownPaces {
  readonly #nowMs: () => number;
  readonly #learnedMs = new Map<string, number>();

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Whether it is to be learned: it is not known, or was learned long ago. */
  isDue(tenantId: TenantId, deviceId: string): boolean {
    const learnedMs = this.#learnedMs.get(keyOf(tenantId, deviceId));
    return learnedMs === undefined || this.#nowMs() - learnedMs > keptMs;
  }

  learned(tenantId: TenantId, deviceId: string): void {
    // Whoever is left out is learned again sooner.
    if (this.#learnedMs.size >= most) this.#learnedMs.clear();
    this.#learnedMs.set(keyOf(tenantId, deviceId), this.#nowMs());
  }
}

function keyOf(tenantId: TenantId, deviceId: string): string {
  return `${tenantId} ${deviceId}`;
}
