import type { Logger } from "@logtape/logtape";
import type { Registry } from "prom-client";
import { within } from "#shared/lifecycle/within.ts";
import type { Job, JobOutcome } from "./job.ts";
import { type JobClock, systemClock } from "./job_clock.ts";
import { createJobMetrics, type JobMetrics } from "./job_metrics.ts";

export interface JobsOptions {
  readonly registry: Registry;
  readonly log: Logger;
  /** The system's unless given. */
  readonly clock?: JobClock;
}

/** Longest that closing waits for runs under way, in milliseconds. */
const closingMs = 1_000;

/** Runs each job now, and again and again, until disposed. */
export function runJobs(
  jobs: readonly Job[],
  { registry, log, clock = systemClock }: JobsOptions,
): AsyncDisposable {
  const closing = new AbortController();
  const context = { metrics: createJobMetrics(registry), log, clock, stop: closing.signal };
  const running = Promise.all(jobs.map((job) => keepRunning(job, context)));
  return {
    async [Symbol.asyncDispose]() {
      closing.abort();
      await within(closingMs, running);
    },
  };
}

interface Context {
  readonly metrics: JobMetrics;
  readonly log: Logger;
  readonly clock: JobClock;
  readonly stop: AbortSignal;
}

async function keepRunning(job: Job, context: Context): Promise<void> {
  const { metrics, clock, stop } = context;
  const labels = { job_name: job.name };
  // What is to be missed must be there before it is first late.
  metrics.interval.set(labels, job.intervalMs / 1_000);
  metrics.lastSuccess.set(labels, 0);
  metrics.failures.inc(labels, 0);
  while (!stop.aborted) {
    if (await runOnce(job, context) !== "more") await clock.sleep(job.intervalMs, stop);
  }
}

async function runOnce(job: Job, { metrics, log, clock, stop }: Context): Promise<JobOutcome> {
  const labels = { job_name: job.name };
  const startedMs = clock.nowMs();
  let outcome: JobOutcome = "done";
  try {
    outcome = await job.run(stop);
    if (outcome === "elsewhere") return outcome;
    metrics.lastSuccess.setToCurrentTime(labels);
  } catch (error) {
    // It has ended as it was told to.
    if (stop.aborted && error === stop.reason) return outcome;
    metrics.failures.inc(labels);
    const problem = error instanceof Error ? error.message : String(error);
    const fields = { job: job.name, error: problem };
    if (stop.aborted) log.warning("Job failed as it was stopped", fields);
    else log.warning("Job failed; tried again at its next turn", fields);
  }
  metrics.duration.observe(labels, (clock.nowMs() - startedMs) / 1_000);
  return outcome;
}
