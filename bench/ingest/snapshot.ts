/** What a PostgreSQL snapshot sees: `pg_current_snapshot()` as text, `xmin:xmax:xip,xip…`. */
export interface Snapshot {
  readonly oldestRunning: bigint;
  readonly next: bigint;
  readonly running: ReadonlySet<bigint>;
}

export function parseSnapshot(text: string): Snapshot {
  const [oldest, next, running] = text.split(":");
  if (!oldest || !next || running === undefined) throw new Error(`not a snapshot: ${text}`);
  return {
    oldestRunning: BigInt(oldest),
    next: BigInt(next),
    running: new Set(running === "" ? [] : running.split(",").map(BigInt)),
  };
}

/** Whether the transaction had ended when the snapshot was taken. */
export function hasEnded(transaction: bigint, { oldestRunning, next, running }: Snapshot): boolean {
  return transaction < oldestRunning || (transaction < next && !running.has(transaction));
}
