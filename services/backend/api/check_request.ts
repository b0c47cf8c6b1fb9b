import { Code, ConnectError } from "@connectrpc/connect";
import { deviceIdProblem } from "../readings/device_id_rule.ts";

/** Most rows that one page may have. */
const maxPageSize = 1_000;

/** @throws {ConnectError} INVALID_ARGUMENT for what can be the id of no device. */
export function checkAskedId(deviceId: string): void {
  const problem = deviceIdProblem(deviceId);
  if (problem !== undefined) {
    throw new ConnectError(`device_id ${problem}`, Code.InvalidArgument);
  }
}

/**
 * Rows a page: as asked, but at most 1,000; undefined for 0, which leaves it to
 * the method.
 *
 * @throws {ConnectError} INVALID_ARGUMENT when negative.
 */
export function pageSize(asked: number): number | undefined {
  if (asked < 0) {
    throw new ConnectError(`page_size is ${asked}, not 0 or more`, Code.InvalidArgument);
  }
  return asked === 0 ? undefined : Math.min(asked, maxPageSize);
}

export function noSuchDevice(deviceId: string): ConnectError {
  return new ConnectError(`there is no device ${JSON.stringify(deviceId)}`, Code.NotFound);
}
