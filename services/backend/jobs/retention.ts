import type { Logger } from "@logtape/logtape";
import { Retainer, type RetainerOptions } from "../retention/retainer.ts";
import type { RetentionEvent } from "../retention/retention_event.ts";
import type { Job } from "./job.ts";
import type { RetentionMetrics } from "./retention_metrics.ts";

export interface RetentionJobOptions extends RetainerOptions {
  readonly metrics: RetentionMetrics;
  readonly log: Logger;
}

const intervalMs = 3_600_000;

/** Drops what was kept for long enough, a partition or a part of one each run. */
export function retentionJob({ metrics, ...options }: RetentionJobOptions): Job {
  const retainer = new Retainer(options);
  return {
    name: "retention",
    intervalMs,
    async run(signal) {
      const event = await retainer.step(signal);
      if (event === undefined) return "done";
      tell(event, metrics, options.log);
      return "more";
    },
  };
}

function tell(event: RetentionEvent, metrics: RetentionMetrics, log: Logger): void {
  switch (event.did) {
    case "pack again":
      return log.info("Days that were to be rows are packed again", { days: event.days });
    case "close":
      return log.info("Closed a day", { partition: event.name });
    case "archive": {
      const { day, file: { path, readings, bytes, isNew } } = event;
      if (!isNew) return log.info("Found a day archived", { day, path, readings, bytes });
      metrics.archived.inc(readings);
      return log.info("Archived a day", { day, path, readings, bytes });
    }
    case "drop": {
      const { count, part: { kind, table, partition, bytes } } = event;
      metrics.partitions.inc({ kind });
      metrics.readings.inc({ kind }, count);
      metrics.bytes.inc({ kind }, bytes);
      return log.info("Dropped a partition, whose time is over", {
        table,
        partition: partition.name,
        [kind === "rows" || kind === "history" ? "readings" : "buckets"]: count,
        bytes,
      });
    }
    case "delete": {
      const { day, count, part: { kind, partition } } = event;
      metrics.readings.inc({ kind }, count);
      return log.info("Deleted late readings, whose time is over", {
        partition: partition.name,
        day,
        readings: count,
      });
    }
  }
}
