import { Code, ConnectError } from "@connectrpc/connect";

/** True of a query's error where there was no answer at all. */
export function isAway(error: unknown): boolean {
  return error instanceof ConnectError &&
    (error.code === Code.Unavailable || error.code === Code.DeadlineExceeded);
}
