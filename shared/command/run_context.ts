import type { Logger } from "@logtape/logtape";
import type { Terminal } from "#shared/output/status_line.ts";
import type { MemoryQueues } from "../broker/memory/memory_queues.ts";

/** What every service is run with. */
export interface RunContext {
  readonly log: Logger;
  /** Aborted when the service is to stop; the service then settles its work and returns. */
  readonly signal: AbortSignal;
  /** Called once, when the service does its work, with the addresses that it serves. */
  readonly onReady?: (addresses: Readonly<Record<string, string>>) => void;
  /** The queues behind `memory://`, where services share one process. */
  readonly memoryQueues?: MemoryQueues;
  /** Where progress is drawn; the log has it where there is none. */
  readonly terminal?: Terminal | undefined;
}
