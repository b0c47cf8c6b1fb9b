/** A server that tests may use. Disposing stops it if it was started for them. */
export interface Service extends AsyncDisposable {
  readonly url: string;
  /** Where it comes from: `usual port`, `variable AMQP_URL`, `started from …`. */
  readonly origin: string;
}

/** Why a server cannot be used, or not be started, in one line. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
}

/** A service that was there before and stays. */
export function runningService(url: string, origin: string): Service {
  return { url, origin, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** The first line of what went wrong. */
export function reasonOf(error: unknown): string {
  // Node joins the failures of `localhost`'s several addresses, and leaves the message empty.
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0]!;
}
