import { defaultTenant } from "#shared/telemetry/tenant.ts";
import type { ReadingRow } from "../../services/backend/readings/reading_row.ts";
import { KnownDevices } from "../../services/backend/store/readings/known_devices.ts";
import { writeReadings } from "../../services/backend/store/readings/write_readings.ts";
import { median } from "../ingest/percentile.ts";
import { PlainRows } from "./plain_rows.ts";
import type { Cpu, MeasuredDatabase } from "./storage_site.ts";
import type { StoredRun } from "./stored_run.ts";

const batchRows = 1_000;
const writers = 2;

export interface Writing {
  readonly readingsPerSecond: number;
  /** In microseconds a reading. */
  readonly cpu: Cpu;
}

/**
 * How fast new readings are written by the statements of ingest, round by round
 * in turns with one plain table; medians. Each round's readings come after those
 * of the round before, a second between two of a device.
 */
export async function compareWriting(
  { db, countCpu }: MeasuredDatabase,
  run: StoredRun,
  { readings, rounds, signal }: {
    readonly readings: number;
    readonly rounds: number;
    readonly signal: AbortSignal;
  },
): Promise<Readonly<Record<"stored" | "plain", Writing>> & { readonly ratio: number }> {
  const plainRows = new PlainRows(db);
  const known = await KnownDevices.load(db, defaultTenant);
  const round = async (
    rows: readonly ReadingRow[],
    write: (batch: readonly ReadingRow[]) => Promise<unknown>,
  ): Promise<Writing> => {
    const cpuSince = await countCpu();
    const startMs = performance.now();
    let next = 0;
    await Promise.all(Array.from({ length: writers }, async () => {
      while (next < rows.length) {
        signal.throwIfAborted();
        const from = next;
        next += batchRows;
        await write(rows.slice(from, from + batchRows));
      }
    }));
    const seconds = (performance.now() - startMs) / 1_000;
    const { own, postgres } = await cpuSince();
    return {
      readingsPerSecond: rows.length / seconds,
      cpu: { own: own / rows.length, postgres: (postgres ?? NaN) / rows.length },
    };
  };
  const measured: Record<"stored" | "plain", Writing[]> = { stored: [], plain: [] };
  const devices = run.deviceIds.length;
  const turns = Math.ceil(readings / devices);
  // The first round meets tables that nobody has written to for a while.
  for (let at = 0; at <= rounds; at++) {
    const rows = Array.from({ length: readings }, (_, place): ReadingRow => {
      const index = place % devices;
      const row = run.row(index, run.turns(index) - 1);
      const seconds = 1 + at * turns + Math.floor(place / devices);
      return { ...row, micros: row.micros + seconds * 1_000_000 };
    });
    const ways = [
      ["stored", (batch: readonly ReadingRow[]) => writeReadings(db, defaultTenant, batch, known)],
      ["plain", (batch: readonly ReadingRow[]) => plainRows.write(batch)],
    ] as const;
    for (const [name, write] of at % 2 === 0 ? ways : ways.toReversed()) {
      const writing = await round(rows, write);
      if (at > 0) measured[name].push(writing);
    }
  }
  const medians = (of: readonly Writing[]): Writing => ({
    readingsPerSecond: median(of.map(({ readingsPerSecond }) => readingsPerSecond)),
    cpu: {
      own: median(of.map(({ cpu }) => cpu.own)),
      postgres: median(of.map(({ cpu }) => cpu.postgres ?? NaN)),
    },
  });
  return {
    stored: medians(measured.stored),
    plain: medians(measured.plain),
    // Of rounds that followed each other.
    ratio: median(
      measured.stored.map(({ readingsPerSecond }, at) =>
        readingsPerSecond / measured.plain[at]!.readingsPerSecond
      ),
    ),
  };
}
