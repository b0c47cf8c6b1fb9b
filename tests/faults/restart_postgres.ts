import assert from "node:assert/strict";
import { sleep } from "#shared/lifecycle/sleep.ts";
import { FaultRun } from "../support/fault_run.ts";
import { waitUntil } from "../support/wait_until.ts";

const terminations = 10;
const readingsBetween = 3_000;
const refusedMs = 20_000;

Deno.test("Nothing is lost or doubled when PostgreSQL restarts, refuses, or fails writes", async () => {
  await using run = await FaultRun.open({ devices: 200, perSecond: 2_500 });
  await run.startBackend();
  await run.startBackend();
  run.startGenerator();
  const faults = [
    // In good order, and then as in a power cut.
    ...(["SIGINT", "SIGKILL"] as const).map((signal) => async () => {
      await run.servers.postgres.stop(signal);
      await run.servers.postgres.start();
    }),
    ...Array.from({ length: terminations }, () => async () => {
      assert((await run.servers.terminateSessions()) > 0);
    }),
    () => refuseConnections(run),
    () => deadlock(run),
    () => serializationFailure(run),
  ];
  for (const fault of faults) {
    await run.flows(readingsBetween);
    await fault();
  }
  await run.flows(readingsBetween);
  await run.finish();
  const met = (words: string) =>
    run.everyBackend.some((backend) => backend.output().includes(words));
  assert(met("is not currently accepting connections"), "no backend was refused");
});

async function refuseConnections(run: FaultRun): Promise<void> {
  await run.servers.sql("alter database iot_db allow_connections false", "postgres");
  await run.servers.terminateSessions();
  // The length of the fault, not a wait for something.
  await sleep(refusedMs);
  for (const backend of run.backends) {
    run.checkAlive();
    const ready = await fetch(`${adminUrl(backend.output())}/readyz`);
    assert.equal(ready.status, 503);
    await ready.body?.cancel();
  }
  await run.servers.sql("alter database iot_db allow_connections true", "postgres");
}

/** Locks the rows that writes lock, in the opposite order, until a write was the victim. */
async function deadlock(run: FaultRun): Promise<void> {
  await using other = await run.servers.session();
  const { client } = other;
  // The backends' sessions look for deadlocks after their usual second, so first.
  await client.query("set deadlock_timeout = '10min'");
  const { rows: [edge] } = await client.query(
    "select min(device_id) as first, max(device_id) as last from iot_devices",
  );
  const lock = (id: string) =>
    client.query("select from iot_devices where device_id = $1 for update", [id]);
  await client.query("begin");
  await lock(edge.last);
  await waitUntil(async () => {
    const waiting = await run.servers.sql(
      `select from pg_stat_activity where application_name = 'iot-backend'
      and wait_event_type = 'Lock' and query like '%insert into "sensor_readings"%'`,
    );
    return waiting.length > 0;
  }, { what: "a write to wait for the last device" });
  // Not to be had while new writes share the first device and wait for the last.
  const never = lock(edge.first).catch(() => {});
  await waitUntil(() => failures(run, "deadlock detected") > 0, {
    what: "a write to be the victim of a deadlock",
  });
  await run.servers.sql(
    "select pg_terminate_backend(pid) from pg_stat_activity where query like '%for update'",
  );
  await never;
}

/** Has one of two writes fail as if it had met another under a stricter isolation. */
async function serializationFailure(run: FaultRun): Promise<void> {
  await run.servers.sql(`create function meet() returns trigger language plpgsql as $$
    begin
      if random() < 0.5 then
        raise serialization_failure using message = 'could not serialize access';
      end if;
      return null;
    end $$`);
  await run.servers.sql(`create trigger meet after insert on sensor_readings
    for each statement execute function meet()`);
  await waitUntil(() => failures(run, "could not serialize access") > 0, {
    what: "a write to fail for its isolation",
  });
  await run.servers.sql("drop trigger meet on sensor_readings");
}

/** Writes of readings that failed so, as the backends logged them. */
function failures(run: FaultRun, words: string): number {
  return run.everyBackend.flatMap((backend) => backend.output().split("\n")).filter((line) =>
    line.includes("Cannot write; the batch is kept") && line.includes(words) &&
    line.includes('"sensor-data"')
  ).length;
}

function adminUrl(output: string): string {
  const found = /"metrics":"([^"]+)\/metrics"/.exec(output);
  assert(found !== null, output);
  return found[1]!;
}
