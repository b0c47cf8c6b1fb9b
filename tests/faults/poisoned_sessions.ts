import assert from "node:assert/strict";
import { FaultRun } from "../support/fault_run.ts";
import { waitUntil } from "../support/wait_until.ts";

const role = "pipeline";
/** Longest that writing may stand still once what stopped it is mended, in milliseconds. */
const goesOnMs = 15_000;

interface Fault {
  readonly inflict: readonly string[];
  readonly mend: readonly string[];
  /** What the backends say of writes meanwhile. */
  readonly words: string;
  /** Kept up until readiness notices, which takes a while. */
  readonly noticed?: true;
}

const faults: readonly Fault[] = [
  {
    // As of a server that was a standby when the sessions began.
    inflict: [`alter role ${role} set default_transaction_read_only = on`],
    mend: [`alter role ${role} reset default_transaction_read_only`],
    words: "in a read-only transaction",
    noticed: true,
  },
  {
    inflict: [
      `create function dawdle() returns trigger language plpgsql as
        'begin perform pg_sleep(0.2); return null; end'`,
      `create trigger dawdle after insert on sensor_readings
        for each statement execute function dawdle()`,
      `alter role ${role} set statement_timeout = '100ms'`,
    ],
    // Writes stay as slow as they are.
    mend: [`alter role ${role} reset statement_timeout`],
    words: "canceling statement due to statement timeout",
  },
  {
    inflict: [`revoke insert on sensor_readings, parked_readings from ${role}`],
    mend: [`grant insert on sensor_readings, parked_readings to ${role}`],
    words: "permission denied for table",
  },
  {
    inflict: ["alter table sensor_readings rename to elsewhere"],
    mend: ["alter table elsewhere rename to sensor_readings"],
    words: 'relation \\"sensor_readings\\" does not exist',
  },
];

Deno.test("Writing goes on once what made its sessions fail is mended", async () => {
  await using run = await FaultRun.open({ devices: 50, perSecond: 50, databaseRole: role });
  await run.servers.sql(`create role ${role} login`);
  await run.servers.sql(`alter database iot_db owner to ${role}`);
  await run.startBackend();
  run.startGenerator();
  await run.flows(100);
  for (const fault of faults) await inflictAndMend(run, fault);
  await run.flows(100);
  await run.finish();
});

async function inflictAndMend(
  run: FaultRun,
  { inflict, mend, words, noticed }: Fault,
): Promise<void> {
  for (const statement of inflict) await run.servers.sql(statement);
  // Those that come in their place inherit it.
  await run.servers.terminateSessions();
  const { log } = watch(run);
  await waitUntil(() => log().includes(words), { what: `writes that fail with ${words}` });
  if (noticed) await waitUntil(() => stallIsNoticed(run), { what: "readiness to notice" });
  run.checkAlive();

  const mendedMs = performance.now();
  for (const statement of mend) await run.servers.sql(statement);
  const before = await run.servers.stored();
  await waitUntil(async () => await run.servers.stored() > before, { what: "writing to go on" });
  const tookMs = performance.now() - mendedMs;
  assert(tookMs < goesOnMs, `after ${words}, writing went on ${Math.round(tookMs)} ms later`);
  await waitUntil(async () => (await readiness(run)).status === 200, { what: "readiness" });
}

async function stallIsNoticed(run: FaultRun): Promise<boolean> {
  const { status, checks } = await readiness(run);
  return status === 503 && checks["ingest"] === "failed" && checks["database"] === "ok";
}

/** What the backend logs from now on. */
function watch(run: FaultRun): { readonly log: () => string } {
  const backend = run.backends[0]!;
  const from = backend.output().length;
  return { log: () => backend.output().slice(from) };
}

async function readiness(run: FaultRun) {
  const found = /"metrics":"([^"]+)\/metrics"/.exec(run.backends[0]!.output());
  assert(found !== null);
  const response = await fetch(`${found[1]}/readyz`);
  const { checks }: { readonly checks: Readonly<Record<string, string>> } = await response.json();
  return { status: response.status, checks };
}
