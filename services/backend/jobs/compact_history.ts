import type { Logger } from "@logtape/logtape";
import type { Kysely } from "kysely";
import { earlierClock } from "../store/connection/earlier_clock.ts";
import { onOneReplica } from "../store/connection/on_one_replica.ts";
import type { Database } from "../store/database.ts";
import { mergeLate } from "../store/history/merge_late.ts";
import { publishStaged } from "../store/history/publish_staged.ts";
import { stageClosed } from "../store/history/stage_closed.ts";
import { nextToPack } from "../store/history/next_to_pack.ts";
import type { TenantKey } from "../store/rows/tenant_keys.ts";
import { closeOldest } from "../store/partitions/close_days.ts";
import { dayOf } from "../store/partitions/days.ts";
import type { Partition } from "../store/partitions/list_partitions.ts";
import type { Job, JobOutcome } from "./job.ts";

export interface CompactionOptions {
  readonly db: Kysely<Database>;
  /** A day is closed so long after its end, in milliseconds; at least a day. */
  readonly afterMs: number;
  /** This machine's clock, in Unix milliseconds; the database's holds where it is behind. */
  readonly nowMs: () => number;
  /** Told of readings that were packed: those of closed days, or late ones. */
  readonly onPacked: (readings: number, what: "compacted" | "late") => void;
  readonly log: Logger;
  /** Packs late readings whether a day was closed before or not. */
  readonly lateAtOnce?: boolean;
}

const intervalMs = 60_000;
const name = "compact_history";
/** Of the first step: the next ones go by how many readings there were. */
const firstDevices = 50;

/**
 * Packs what is old enough: closes days, packs those that are closed, and then
 * what came late of days before. A bit each run.
 */
export function compactHistoryJob(options: CompactionOptions): Job {
  const compaction = new Compactor(options);
  return { name, intervalMs, run: (signal) => compaction.step(signal) };
}

/** Packs by steps, each of which is whole by itself. */
export class Compactor {
  readonly #options: CompactionOptions;
  #devices = firstDevices;
  #late: TenantKey | undefined;
  /** Whether late readings are to be packed: once a day, since that packs all of their days anew. */
  #lateAreDue: boolean;

  constructor(options: CompactionOptions) {
    this.#options = options;
    this.#lateAreDue = options.lateAtOnce ?? false;
  }

  async step(signal: AbortSignal): Promise<JobOutcome> {
    const { db, afterMs, nowMs, log } = this.#options;
    const closeUntil = dayOf((await earlierClock(db, nowMs) - afterMs) * 1_000);
    const closed = await closeOldest(db, closeUntil, { log, signal });
    if (closed !== undefined) {
      this.#lateAreDue = true;
      log.info("Closed a day", { partition: closed.name });
      return "more";
    }
    const partition = await nextToPack(db);
    if (partition !== undefined) return await this.#pack(partition, signal);
    return this.#lateAreDue ? await this.#mergeLate() : "done";
  }

  async #pack(partition: Partition, signal: AbortSignal): Promise<JobOutcome> {
    const { db, onPacked, log } = this.#options;
    const staged = await onOneReplica(
      db,
      name,
      (transaction) => stageClosed(transaction, partition, this.#devices),
    );
    if (staged === undefined) return "elsewhere";
    this.#devices = staged.devices;
    onPacked(staged.readings, "compacted");
    if (!staged.complete) return "more";
    const days = await publishStaged(db, partition, { log, signal });
    for (const { day, readings, rowBytes, packedBytes } of days ?? []) {
      log.info("Packed a day", { day, readings, rowBytes, packedBytes });
    }
    return "more";
  }

  async #mergeLate(): Promise<JobOutcome> {
    const { db, onPacked } = this.#options;
    const { merged, after } = await mergeLate(db, this.#late);
    this.#late = after;
    onPacked(merged, "late");
    if (merged > 0 || after !== undefined) return "more";
    this.#lateAreDue = this.#options.lateAtOnce ?? false;
    return "done";
  }
}
