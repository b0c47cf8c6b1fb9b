import { Code, ConnectError } from "@connectrpc/connect";

/** Most rows that one page may have. */
const maxPageSize = 1_000;

/** @throws {ConnectError} INVALID_ARGUMENT for the empty id. */
export function checkDeviceId(deviceId: string): void {
  if (deviceId === "") throw new ConnectError("device_id is empty", Code.InvalidArgument);
}

/**
 * The page size asked for; undefined for 0, which leaves it to the method.
 *
 * @throws {ConnectError} INVALID_ARGUMENT when negative or over 1,000.
 */
export function pageSize(asked: number): number | undefined {
  if (asked < 0 || asked > maxPageSize) {
    throw new ConnectError(`page_size is ${asked}, not 0 to ${maxPageSize}`, Code.InvalidArgument);
  }
  return asked === 0 ? undefined : asked;
}

export function noSuchDevice(deviceId: string): ConnectError {
  return new ConnectError(`there is no device ${JSON.stringify(deviceId)}`, Code.NotFound);
}
