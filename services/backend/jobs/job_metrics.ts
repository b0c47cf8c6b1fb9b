import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** By `job_name`, since Prometheus calls what it scrapes a `job`. */
export interface JobMetrics {
  readonly interval: Gauge<"job_name">;
  readonly lastSuccess: Gauge<"job_name">;
  readonly duration: Histogram<"job_name">;
  readonly failures: Counter<"job_name">;
}

export function createJobMetrics(registry: Registry): JobMetrics {
  const registers = [registry];
  const labelNames = ["job_name"] as const;
  return {
    interval: new Gauge({
      name: "job_interval_seconds",
      help: "Time from the end of a job's run to the next one.",
      labelNames,
      registers,
    }),
    lastSuccess: new Gauge({
      name: "job_last_success_timestamp_seconds",
      help: "When this replica last did a job, in Unix seconds; 0 before it did.",
      labelNames,
      registers,
    }),
    duration: new Histogram({
      name: "job_duration_seconds",
      help: "Time that a run took, failed ones included, and not those of other replicas.",
      labelNames,
      buckets: [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1_000],
      registers,
    }),
    failures: new Counter({
      name: "job_failures_total",
      help: "Runs that failed; each is tried again at the job's next turn.",
      labelNames,
      registers,
    }),
  };
}
