import assert from "node:assert/strict";
import { type FaultRun, seed as ofGenerator } from "./fault_run.ts";
import { PastRun } from "./past_run.ts";

/** Nothing is packed but by hand, so that history is what was packed. */
export const keepingRows = { APP_BACKEND_HISTORY_COMPACTION: "false" };

/**
 * Has a backend store what a fleet has published, of some days in the midst of a
 * month that is over for long, a reading a minute; they are packed and rolled up,
 * and no backend runs then.
 */
export async function packedMonth(
  run: FaultRun,
  { devices, days, seed = ofGenerator }: {
    readonly devices: number;
    readonly days: number;
    /** As `PastRun` has it. */
    readonly seed?: number;
  },
): Promise<PastRun> {
  const now = new Date();
  const startUs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 2, 10) * 1_000;
  const turns = days * 1_440;
  const intervalUs = 60_000_000;
  const past = new PastRun({ devices, startUs, intervalUs, turns, seed });
  await using publisher = await run.servers.openPublisher();
  const storing = await run.startBackend({ APP_BACKEND_INGEST_BATCH_SIZE: "1000" });
  await publisher.publish(past.announcements());
  await publisher.publish(past.readings());
  await run.stores(devices * turns);
  await run.demoApp("history", "compact", "--history-after=1d");
  await run.rolledUp();
  assert.equal((await run.endBackend(storing, "SIGTERM")).code, 0);
  return past;
}
