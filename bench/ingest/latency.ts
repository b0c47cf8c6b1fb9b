import { create } from "@bufbuild/protobuf";
import { Client } from "pg";
import { SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { sleep } from "#shared/lifecycle/sleep.ts";
import type { Contender } from "./contender.ts";
import { publishReading } from "./fill_queue.ts";
import { percentile } from "./percentile.ts";
import { countCpu, listenerPid } from "./process_usage.ts";
import type { Site } from "./site.ts";
import { hasEnded, parseSnapshot, type Snapshot } from "./snapshot.ts";
import { encode, fleet } from "./workload.ts";

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly longest: number;
  /** The share of it that is the sender's own: how late 99 of 100 readings were sent, at most. */
  readonly sentLateP99: number;
  /** CPU of backend, broker and PostgreSQL in microseconds a reading, warm-up included. */
  readonly cpuMicros: number;
}

export interface LatencyOptions {
  /** Readings a second, evenly. */
  readonly rate: number;
  readonly seconds: number;
  readonly devices: number;
}

/** Time between two looks at which transactions have ended: the resolution, always upwards. */
export const lookMs = 5;
/** Readings of this long are left out at the start, while the compiler warms up. */
const warmUpSeconds = 2;
const settleMs = 30_000;

/**
 * Latency in milliseconds from the instant at which a reading was to be sent,
 * whether or not the sender kept up, until its transaction was seen to have
 * ended. That instant is the reading's timestamp. A connection of its own asks
 * for a snapshot every 5 ms, which costs the database next to nothing; the
 * rows are matched with the snapshots afterwards, by their transaction.
 */
export async function latency(
  site: Site,
  contender: Contender,
  { rate, seconds, devices }: LatencyOptions,
): Promise<Latency> {
  await using running = contender.start(site, 0);
  await running.printed("Backend is ready");
  const stop = new AbortController();
  const looking = look(site, stop.signal);
  const count = (warmUpSeconds + seconds) * rate;
  const cpuMicros = await countCpu({
    consumer: running.pid,
    broker: await listenerPid(site.amqpUrl),
    postgres: await listenerPid(site.databaseUrl),
  }, count);
  const { startUs, lateMs } = await publishSteadily(site, { rate, count, devices });
  const untilMs = performance.now() + settleMs;
  while (await countRows(site) < count) {
    if (performance.now() > untilMs) throw new Error(`Not all of ${count} readings were stored`);
    await sleep(50);
  }
  const cpu = Object.values(await cpuMicros()).reduce<number>((sum, us) => sum + (us ?? NaN), 0);
  stop.abort();
  const looks = await looking;
  const { rows } = await site.pg.query<{ transaction: string; us: string }>(
    `select xmin::text as transaction, (extract(epoch from "timestamp") * 1e6)::bigint::text as us
     from sensor_readings where extract(epoch from "timestamp") * 1e6 >= $1`,
    [startUs + warmUpSeconds * 1_000_000],
  );
  const seen = seenAt([...new Set(rows.map(({ transaction }) => transaction))], looks);
  const ms = Float64Array.from(
    rows,
    ({ transaction, us }) => (seen.get(transaction)! - Number(us)) / 1_000,
  ).sort();
  return {
    p50: percentile(ms, 0.5),
    p99: percentile(ms, 0.99),
    p999: percentile(ms, 0.999),
    longest: percentile(ms, 1),
    sentLateP99: percentile(lateMs.sort(), 0.99),
    cpuMicros: cpu,
  };
}

const nowUs = () => Math.round((performance.timeOrigin + performance.now()) * 1_000);

/** Publishes each reading when its instant has come. */
async function publishSteadily(
  site: Site,
  { rate, count, devices }: { readonly rate: number; readonly count: number; devices: number },
): Promise<{ readonly startUs: number; readonly lateMs: Float64Array }> {
  const channel = await site.broker.createConfirmChannel();
  const lateMs = new Float64Array(count);
  const startUs = nowUs() + 100_000;
  for (let sent = 0; sent < count;) {
    const due = Math.min(count, Math.floor(((nowUs() - startUs) * rate) / 1_000_000) + 1);
    for (; sent < due; sent++) {
      const instantUs = startUs + Math.round((sent * 1_000_000) / rate);
      const seconds = Math.floor(instantUs / 1_000_000);
      const reading = create(SensorReadingSchema, {
        ...fleet.reading(sent % devices, instantUs),
        timestamp: BigInt(seconds),
        nanos: (instantUs - seconds * 1_000_000) * 1_000,
      });
      publishReading(channel, site.sensorQueue, encode(reading));
      lateMs[sent] = (nowUs() - instantUs) / 1_000;
    }
    await sleep(1);
  }
  await channel.waitForConfirms();
  await channel.close();
  return { startUs, lateMs };
}

interface Look {
  readonly atUs: number;
  readonly snapshot: Snapshot;
}

async function look({ databaseUrl }: Site, signal: AbortSignal): Promise<readonly Look[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const looks: Look[] = [];
  for (let last = false; !last;) {
    last = signal.aborted;
    const { rows: [row] } = await client.query<{ snapshot: string }>(
      "select pg_current_snapshot()::text as snapshot",
    );
    looks.push({ atUs: nowUs(), snapshot: parseSnapshot(row!.snapshot) });
    await sleep(lookMs, signal);
  }
  await client.end();
  return looks;
}

/** When each transaction was first seen to have ended; the row's xmin has the low 32 bits. */
function seenAt(
  transactions: readonly string[],
  looks: readonly Look[],
): ReadonlyMap<string, number> {
  const epoch = looks[0]!.snapshot.next >> 32n << 32n;
  const seen = new Map<string, number>();
  for (const transaction of transactions) {
    const id = epoch | BigInt(transaction);
    const first = looks.find(({ snapshot }) => hasEnded(id, snapshot));
    seen.set(transaction, first!.atUs);
  }
  return seen;
}

async function countRows({ pg }: Site): Promise<number> {
  const { rows } = await pg.query<{ count: number }>(
    "select count(*)::int as count from sensor_readings",
  );
  return rows[0]!.count;
}
