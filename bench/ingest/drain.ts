import { sleep } from "#shared/lifecycle/sleep.ts";
import type { Contender, Running } from "./contender.ts";
import { countCpu, listenerPid, peakBytes } from "./process_usage.ts";
import type { Site } from "./site.ts";
import type { Workload } from "./workload.ts";

export interface Drain {
  readonly readingsPerSecond: number;
  /** CPU in microseconds a reading; undefined where it cannot be measured. */
  readonly cpuMicros: Readonly<Record<"consumer" | "broker" | "postgres", number | undefined>>;
  readonly peakBytes: number | undefined;
}

/** Each look costs the broker a little, so only the start and the end are looked for closely. */
const closeMs = 2;
const farMs = 25;
const deadlineMs = 300_000;

/**
 * Starts the contender on a queue that holds the workload, and times it from the
 * first message that leaves the queue until the last one's row can be read by
 * others, or until the contender says that it is done. Watched from outside, so
 * that all are measured alike.
 *
 * @throws {Error} if it takes longer than five minutes.
 */
export async function drain(
  site: Site,
  contender: Contender,
  { readings, fromSeconds }: Workload,
): Promise<Drain> {
  const servers = {
    broker: await listenerPid(site.amqpUrl),
    // One of several servers says nothing of all.
    postgres: site.distributed ? undefined : await listenerPid(site.databaseUrl),
  };
  await using running = contender.start(site, readings);
  const roots = { consumer: running.pid, ...servers };
  const waiting = async () => (await site.channel.checkQueue(site.sensorQueue)).messageCount;
  await poll(running, async () => await waiting() < readings ? 0 : closeMs);
  const startMs = performance.now();
  const cpuMicros = await countCpu(roots, readings);
  if (contender.until === "done") {
    await running.printed("done");
  } else {
    await poll(running, async () => await waiting() === 0 ? 0 : farMs);
    const msPerReading = (performance.now() - startMs) / readings;
    await poll(running, async () => {
      const missing = readings - await countSince(site, fromSeconds);
      // Each look reads all the new rows: none before those that are missing can be there.
      return missing <= 0 ? 0 : Math.max(closeMs, missing * msPerReading);
    });
  }
  const seconds = (performance.now() - startMs) / 1_000;
  return {
    readingsPerSecond: readings / seconds,
    cpuMicros: await cpuMicros(),
    peakBytes: await peakBytes(running.pid),
  };
}

/** Looks until nothing is left to wait for: a look returns milliseconds until the next one, or 0. */
async function poll(running: Running, look: () => Promise<number>): Promise<void> {
  const startedMs = performance.now();
  for (let ms = await look(); ms > 0; ms = await look()) {
    running.throwIfEnded();
    if (performance.now() - startedMs > deadlineMs) throw new Error("Not drained in five minutes");
    await sleep(ms);
  }
}

/** By the index of instants, which passes over the rows that were there before. */
async function countSince({ pg }: Site, seconds: number): Promise<number> {
  const { rows: [counted] } = await pg.query<{ rows: number }>(
    `select count(*)::int as rows from sensor_readings where "timestamp" >= to_timestamp($1)`,
    [seconds],
  );
  return counted!.rows;
}
