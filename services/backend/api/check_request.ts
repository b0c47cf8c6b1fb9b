import { Code, ConnectError } from "@connectrpc/connect";

/** Most rows that one page may have. */
const maxPageSize = 1_000;

/** Longest device id in UTF-16 units: 255 characters, each of which may take two. */
const longestId = 2 * 255;

/**
 * @throws {ConnectError} INVALID_ARGUMENT for the empty id, and for what can be
 *   no id: the database takes no NUL, and no message says a long one back.
 */
export function checkDeviceId(deviceId: string): void {
  if (deviceId === "") throw new ConnectError("device_id is empty", Code.InvalidArgument);
  if (deviceId.length > longestId) {
    throw new ConnectError("device_id is longer than 255 characters", Code.InvalidArgument);
  }
  if (/\p{Cc}/u.test(deviceId)) {
    throw new ConnectError("device_id has a control character", Code.InvalidArgument);
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
