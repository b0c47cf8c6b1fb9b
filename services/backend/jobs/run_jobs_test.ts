import assert from "node:assert/strict";
import { Registry } from "prom-client";
import { keptLog } from "../../../tests/support/log_lines.ts";
import { ManualClock } from "../../../tests/support/manual_clock.ts";
import type { Job, JobOutcome } from "./job.ts";
import { runJobs } from "./run_jobs.ts";

const intervalMs = 10_000;

/** A job whose runs end like this, one after the other, and then are done. */
function jobOf(...ends: readonly (JobOutcome | Error)[]) {
  const runs: (JobOutcome | Error)[] = [];
  const job: Job = {
    name: "release_parked",
    intervalMs,
    run() {
      const end = ends[runs.length] ?? "done";
      runs.push(end);
      return end instanceof Error ? Promise.reject(end) : Promise.resolve(end);
    },
  };
  return { job, runs };
}

/** Jobs by a clock that stands still until it is told to go on, and what became of them. */
function scenario(...jobs: readonly Job[]) {
  const clock = new ManualClock(0);
  const registry = new Registry();
  const { log, lines } = keptLog();
  const running = runJobs(jobs, { registry, log, clock });
  return {
    clock,
    lines,
    /** Resolves once every job waits for its next turn. */
    asleep: () => clock.asleep(jobs.length),
    /** What the registry shows of the first job; undefined if it shows nothing. */
    async metric(name: string): Promise<number | undefined> {
      const lines = (await registry.metrics()).split("\n");
      const start = `${name}{job_name="${jobs[0]!.name}"} `;
      const line = lines.find((line) => line.startsWith(start));
      return line === undefined ? undefined : Number(line.slice(start.length));
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

Deno.test("runJobs runs a job at once, and again as long as there is more to do", async () => {
  const { job, runs } = jobOf("more", "more", "more");
  await using t = scenario(job);
  await t.asleep();
  assert.deepEqual(runs, ["more", "more", "more", "done"]);
});

Deno.test("runJobs runs a job again after its interval, each by its own", async () => {
  const [often, seldom] = [jobOf(), jobOf()];
  await using t = scenario(often.job, { ...seldom.job, name: "last_seen", intervalMs: 25_000 });
  for (
    const [passMs, ...runs] of [
      [0, 1, 1],
      [9_999, 1, 1],
      [1, 2, 1],
      [14_999, 3, 1],
      [1, 3, 2],
    ] as const
  ) {
    t.clock.advance(passMs);
    await t.asleep();
    assert.deepEqual([often.runs.length, seldom.runs.length], runs);
  }
});

Deno.test("runJobs tries a job that failed again at its next turn, with one warning a run", async () => {
  const { job, runs } = jobOf(new Error("no database"), new Error("none yet"), "more");
  await using t = scenario(job);
  await t.asleep();
  assert.equal(runs.length, 1);
  t.clock.advance(intervalMs);
  await t.asleep();
  t.clock.advance(intervalMs);
  await t.asleep();
  assert.equal(runs.length, 4);
  const message = "Job failed; tried again at its next turn";
  const fields = (error: string) => ({ job: "release_parked", error });
  assert.deepEqual(t.lines, [
    { level: "warning", message, fields: fields("no database") },
    { level: "warning", message, fields: fields("none yet") },
  ]);
  assert.equal(await t.metric("job_failures_total"), 2);
});

Deno.test("runJobs says of a job how often it is due, and when it was last done", async () => {
  const gate = Promise.withResolvers<JobOutcome>();
  const job: Job = { name: "last_seen", intervalMs, run: () => gate.promise };
  await using t = scenario(job);
  assert.equal(await t.metric("job_interval_seconds"), 10);
  assert.equal(await t.metric("job_last_success_timestamp_seconds"), 0);
  assert.equal(await t.metric("job_failures_total"), 0);
  t.clock.advance(2_500);
  const earliestSeconds = Date.now() / 1_000;
  gate.resolve("done");
  await t.asleep();
  const doneSeconds = await t.metric("job_last_success_timestamp_seconds");
  assert(doneSeconds! >= earliestSeconds - 0.001 && doneSeconds! <= Date.now() / 1_000);
  assert.equal(await t.metric("job_duration_seconds_sum"), 2.5);
  assert.equal(await t.metric("job_duration_seconds_count"), 1);
});

Deno.test("runJobs counts a run that failed as a run, and not as one that was done", async () => {
  await using t = scenario(jobOf(new Error("no database")).job);
  await t.asleep();
  assert.equal(await t.metric("job_duration_seconds_count"), 1);
  assert.equal(await t.metric("job_last_success_timestamp_seconds"), 0);
});

Deno.test("runJobs counts what another replica is at neither as a run nor as a failure", async () => {
  const { job, runs } = jobOf("elsewhere");
  await using t = scenario(job);
  await t.asleep();
  assert.deepEqual(runs, ["elsewhere"]);
  assert.equal(await t.metric("job_duration_seconds_count"), undefined);
  assert.equal(await t.metric("job_last_success_timestamp_seconds"), 0);
  assert.equal(await t.metric("job_failures_total"), 0);
  t.clock.advance(intervalMs);
  await t.asleep();
  assert.deepEqual(runs, ["elsewhere", "done"]);
  assert.equal(await t.metric("job_duration_seconds_count"), 1);
});

Deno.test("runJobs ends while there is more to do, once the run under way is done", async () => {
  const gate = Promise.withResolvers<JobOutcome>();
  let runs = 0;
  const t = scenario({
    name: "expire_parked",
    intervalMs,
    run() {
      runs++;
      return gate.promise;
    },
  });
  let ended = false;
  const closed = t[Symbol.asyncDispose]().then(() => ended = true);
  await t.clock.breathe();
  assert(!ended);
  gate.resolve("more");
  await closed;
  assert.equal(runs, 1);
});

Deno.test("runJobs tells a run to end, which is no failure of it", async () => {
  const t = scenario({
    name: "expire_parked",
    intervalMs,
    async run(signal) {
      const { promise, resolve } = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => resolve(), { once: true });
      await promise;
      throw signal.reason;
    },
  });
  await t[Symbol.asyncDispose]();
  assert.deepEqual(t.lines, []);
  assert.equal(await t.metric("job_failures_total"), 0);
});

Deno.test("runJobs leaves a run that does not end when it is told to", async () => {
  const t = scenario({
    name: "expire_parked",
    intervalMs,
    run: () => new Promise(() => {}),
  });
  await t[Symbol.asyncDispose]();
});
