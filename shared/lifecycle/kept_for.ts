/**
 * Asks once for all who want to know: they share the answer that is under way,
 * and the one that came less than `ms` milliseconds ago, be it a failure.
 */
export function keptFor<Value>(
  ms: number,
  ask: () => Promise<Value>,
  nowMs: () => number = () => performance.now(),
): () => Promise<Value> {
  let answer: Promise<Value> | undefined;
  let cameMs: number | undefined;
  return () => {
    if (answer !== undefined && (cameMs === undefined || nowMs() - cameMs < ms)) return answer;
    const came = () => {
      cameMs = nowMs();
    };
    cameMs = undefined;
    answer = ask();
    answer.then(came, came);
    return answer;
  };
}
