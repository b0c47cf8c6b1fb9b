import type { TenantId } from "#shared/telemetry/tenant.ts";
import { isNewer, type ReadingRow } from "../../readings/reading_row.ts";
import type { WriterMark } from "./writer_mark.ts";

/** Devices by id, and the newest reading that is to be told of each; undefined where it must be looked up. */
export type SeenDevices = ReadonlyMap<string, ReadingRow | undefined>;

/** Some of a tenant's devices whose rows are to be brought up to date. */
export interface LaggingPart {
  readonly tenantId: TenantId;
  readonly seen: SeenDevices;
}

/** What has a device id, such as a reading. */
interface OfDevice {
  readonly deviceId: string;
}

type Mark = Pick<
  WriterMark,
  "make" | "renew" | "remove" | "abandon" | "tidy" | "holds" | "due" | "ids"
>;

/** Most readings that are remembered, which takes about 60 MB; of others only that there are some. */
const mostReadings = 200_000;

/** What is known of one tenant's. */
class Lag {
  readonly noted = new Map<string, ReadingRow | undefined>();
  readonly refreshing = new Set<SeenDevices>();
  readonly writing = new Set<readonly OfDevice[]>();
  readonly views = new Set<Set<string>>();
}

/** What may be behind since the view began, until it is disposed. */
export interface LagView extends Disposable {
  /**
   * Those of the devices whose rows, read since then, may be behind what is
   * stored: by the reading that is given, if it is newer than theirs, or by
   * others, where it is undefined.
   */
  behind(deviceIds: readonly string[]): SeenDevices;
}

/**
 * Which devices have readings that this backend has stored and their rows do
 * not tell yet: a row update a reading would cost more than the reading. Others
 * are told by a mark in the database that there are such, before the first is.
 */
export class LaggingDevices {
  readonly #mark: Mark;
  readonly #tenants = new Map<TenantId, Lag>();
  /** Whose turns are still to come in the pass under way. */
  #pass: (readonly [TenantId, string])[] = [];

  constructor(mark: Mark) {
    this.#mark = mark;
  }

  /** Of this backend's marks, by which those of others are told. */
  get marks(): readonly string[] {
    return this.#mark.ids;
  }

  /** How many devices wait. */
  get size(): number {
    return this.#tenants.values().reduce((sum, { noted }) => sum + noted.size, 0);
  }

  /** @param reading One that is stored; undefined where some are, or may be. */
  note(tenantId: TenantId, deviceId: string, reading: ReadingRow | undefined): void {
    const { noted } = this.#lagOf(tenantId);
    const before = noted.get(deviceId);
    if (before === undefined) {
      if (noted.has(deviceId)) return;
      noted.set(deviceId, noted.size < mostReadings ? reading : undefined);
    } else if (reading === undefined || isNewer(reading, before)) {
      noted.set(deviceId, reading);
    }
  }

  /** Does a write of such rows, which are behind from before it is committed until it is noted. */
  async during<Result>(
    tenantId: TenantId,
    rows: readonly OfDevice[],
    write: () => Promise<Result>,
    note: (result: Result) => void,
  ): Promise<void> {
    const { writing } = this.#lagOf(tenantId);
    // Before the mark, which is not taken away then.
    writing.add(rows);
    try {
      if (!this.#mark.holds) await this.#mark.make();
      note(await this.#written(tenantId, rows, write));
    } finally {
      writing.delete(rows);
    }
  }

  async #written<Result>(
    tenantId: TenantId,
    rows: readonly OfDevice[],
    write: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await write();
    } catch (error) {
      // It may be committed all the same, and its answer lost.
      for (const { deviceId } of rows) this.note(tenantId, deviceId, undefined);
      throw error;
    }
  }

  view(tenantId: TenantId): LagView {
    const lag = this.#lagOf(tenantId);
    const refreshed = new Set<string>();
    lag.views.add(refreshed);
    return {
      behind: (deviceIds) => behind(lag, refreshed, deviceIds),
      [Symbol.dispose]: () => void lag.views.delete(refreshed),
    };
  }

  /** The next devices of the pass under way, or of a new one, at most that many. */
  next(most: number): LaggingPart | undefined {
    while (true) {
      if (this.#pass.length === 0) this.#pass = this.#all();
      const tenantId = this.#pass[0]?.[0];
      if (tenantId === undefined) return undefined;
      let count = 0;
      while (count < most && this.#pass[count]?.[0] === tenantId) count++;
      const ids = this.#pass.splice(0, count);
      const { noted } = this.#lagOf(tenantId);
      const seen = new Map<string, ReadingRow | undefined>();
      for (const [, id] of ids) {
        // What another has taken since the pass began is gone.
        if (noted.has(id)) seen.set(id, noted.get(id));
        noted.delete(id);
      }
      if (seen.size > 0) return { tenantId, seen };
    }
  }

  /** Whether the pass under way has more devices. */
  get inPass(): boolean {
    return this.#pass.length > 0;
  }

  /** Brings the rows of these up to date by `write`; what cannot be written waits again. */
  async refresh(
    { tenantId, seen }: LaggingPart,
    write: (tenantId: TenantId, seen: SeenDevices) => Promise<void>,
  ): Promise<void> {
    const { refreshing, views } = this.#lagOf(tenantId);
    refreshing.add(seen);
    try {
      await write(tenantId, seen);
    } catch (error) {
      for (const [deviceId, reading] of seen) this.note(tenantId, deviceId, reading);
      throw error;
    } finally {
      for (const refreshed of views) for (const id of seen.keys()) refreshed.add(id);
      refreshing.delete(seen);
    }
  }

  /**
   * Renews the mark, or takes it away where nothing is behind any more: when it is
   * due, since most writes are followed by others. At the end it is taken away or
   * left to others at once.
   */
  async keepMark({ atEnd = false } = {}): Promise<void> {
    if (!atEnd && !this.#mark.due) return;
    const waits = this.#tenants.values().some(({ noted, refreshing, writing }) =>
      noted.size + refreshing.size + writing.size > 0
    );
    if (!waits) return await this.#mark.remove();
    if (atEnd) return await this.#mark.abandon();
    await this.#mark.renew();
    await this.#mark.tidy();
  }

  #all(): (readonly [TenantId, string])[] {
    return [...this.#tenants].flatMap(([tenantId, { noted }]) =>
      [...noted.keys()].map((id) => [tenantId, id] as const)
    );
  }

  #lagOf(tenantId: TenantId): Lag {
    let lag = this.#tenants.get(tenantId);
    if (lag === undefined) this.#tenants.set(tenantId, lag = new Lag());
    return lag;
  }
}

function behind(
  { noted, refreshing, writing }: Lag,
  refreshed: ReadonlySet<string>,
  deviceIds: readonly string[],
): SeenDevices {
  const written = new Set<string>();
  for (const rows of writing) for (const { deviceId } of rows) written.add(deviceId);
  const waiting = [noted, ...refreshing];
  const found = new Map<string, ReadingRow | undefined>();
  for (const id of deviceIds) {
    const told = waiting.filter((seen) => seen.has(id)).map((seen) => seen.get(id));
    if (refreshed.has(id) || written.has(id)) found.set(id, undefined);
    else if (told.length > 0) found.set(id, told.reduce(newer));
  }
  return found;
}

/** The later one, of one device; undefined where either is. */
function newer(a: ReadingRow | undefined, b: ReadingRow | undefined): ReadingRow | undefined {
  if (a === undefined || b === undefined) return undefined;
  return isNewer(a, b) ? a : b;
}
