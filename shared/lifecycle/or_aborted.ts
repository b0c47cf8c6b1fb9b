/**
 * What `work` comes to, or a rejection with the signal's reason as soon as it is
 * aborted; `work` then goes on unheard.
 */
export async function orAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal,
): Promise<Result> {
  const { promise: left, reject } = Promise.withResolvers<never>();
  const leave = () => reject(signal.reason);
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave);
  try {
    return await Promise.race([left, work]);
  } finally {
    signal.removeEventListener("abort", leave);
    // One of the two may fail with nobody listening any more.
    left.catch(() => {});
    work.catch(() => {});
  }
}
