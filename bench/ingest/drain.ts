import { sleep } from "#shared/lifecycle/sleep.ts";
import type { Contender, Running } from "./contender.ts";
import { cpuSeconds, listenerPid, peakBytes } from "./process_usage.ts";
import type { Site } from "./site.ts";

export interface Drain {
  readonly readingsPerSecond: number;
  /** CPU in microseconds a reading; undefined where it cannot be measured. */
  readonly cpuMicros: Readonly<Record<"consumer" | "broker" | "postgres", number | undefined>>;
  readonly peakBytes: number | undefined;
}

export interface DrainOptions {
  /** Messages in the queue when it starts. */
  readonly readings: number;
  /** How it is known that the last one is through. */
  readonly until: "committed" | "done";
}

/** Each look costs the broker a little, so only the start and the end are looked for closely. */
const closeMs = 2;
const farMs = 25;
const deadlineMs = 300_000;

/**
 * Starts the contender on a filled queue, and times it from the first message
 * that leaves the queue until the last one's row can be read by others (or, if
 * `until` is `done`, until the contender says so). Watched from outside, so that
 * all are measured alike.
 *
 * @throws {Error} if it takes longer than five minutes.
 */
export async function drain(
  site: Site,
  contender: Contender,
  { readings, until }: DrainOptions,
): Promise<Drain> {
  const countNew = await newRowCounter(site);
  const servers = {
    broker: await listenerPid(site.amqpUrl),
    postgres: await listenerPid(site.databaseUrl),
  };
  await using running = contender.start(site, readings);
  const roots = { consumer: running.pid, ...servers };
  const waiting = async () => (await site.channel.checkQueue(site.sensorQueue)).messageCount;
  await poll(running, closeMs, async () => await waiting() < readings);
  const startMs = performance.now();
  const cpuBefore = await cpuSeconds(roots);
  if (until === "done") {
    await running.printed("done");
  } else {
    await poll(running, farMs, async () => await waiting() === 0);
    await poll(running, closeMs, async () => await countNew() >= readings);
  }
  const seconds = (performance.now() - startMs) / 1_000;
  const cpuAfter = await cpuSeconds(roots);
  const micros = (name: keyof typeof roots) => {
    const [before, after] = [cpuBefore[name], cpuAfter[name]];
    if (before === undefined || after === undefined) return undefined;
    return (after - before) * 1_000_000 / readings;
  };
  return {
    readingsPerSecond: readings / seconds,
    cpuMicros: {
      consumer: micros("consumer"),
      broker: micros("broker"),
      postgres: micros("postgres"),
    },
    peakBytes: await peakBytes(running.pid),
  };
}

async function poll(
  running: Running,
  everyMs: number,
  condition: () => Promise<boolean>,
): Promise<void> {
  const startedMs = performance.now();
  while (!await condition()) {
    running.throwIfEnded();
    if (performance.now() - startedMs > deadlineMs) throw new Error("Not drained in five minutes");
    await sleep(everyMs);
  }
}

/** Counts rows added from now on, without reading those that were there. */
async function newRowCounter({ pg }: Site): Promise<() => Promise<number>> {
  const { rows: [size] } = await pg.query<{ pages: number }>(
    `select (pg_relation_size('sensor_readings') / current_setting('block_size')::int)::int as pages`,
  );
  // The last page that was there may take some more.
  const from = Math.max(0, size!.pages - 1);
  const count = async () => {
    const { rows: [counted] } = await pg.query<{ rows: number }>(
      `select count(*)::int as rows from sensor_readings where ctid >= '(${from},0)'::tid`,
    );
    return counted!.rows;
  };
  const before = await count();
  return async () => await count() - before;
}
