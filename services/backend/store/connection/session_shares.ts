/** How many sessions each handle of the backend has, of those that it may have in all. */
export interface SessionShares {
  readonly ingest: number;
  readonly maintenance: number;
  readonly probe: number;
  /** What the others leave. */
  readonly query: number;
}

/** @param writers Writers of readings; one more writes devices. */
export function sessionShares(maxConnections: number, writers: number): SessionShares {
  return { ingest: writers + 1, maintenance: 1, probe: 1, query: maxConnections - writers - 3 };
}
