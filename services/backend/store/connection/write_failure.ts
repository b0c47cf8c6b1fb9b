/**
 * What a failed write calls for:
 * - `retry`: the rows are good, and the database will take them in time;
 * - `repair`: no row is to blame, and a person is needed; tried again meanwhile;
 * - `reject`: the database refuses a row for what it holds, and always will.
 */
export type WriteFailure = "retry" | "repair" | "reject";

/**
 * By SQLSTATE, or its first two characters, the class. Only a class that blames
 * the row's own values may reject it; whatever is not listed is tried again,
 * since trying again loses nothing.
 */
const failures: Readonly<Record<string, WriteFailure>> = {
  "08": "retry", // connection exception: the network or a restart
  "21": "reject", // cardinality violation
  "22": "reject", // data exception: a value that its column cannot hold
  "23": "reject", // integrity constraint violation: a value that a constraint forbids
  "23503": "retry", // foreign key: the device went between look-up and insert; then it parks
  "25": "retry", // invalid transaction state: a failover made the session read-only
  "28": "repair", // invalid authorization: the password or pg_hba.conf changed
  "3D": "repair", // invalid catalog name: the database is gone
  "40": "retry", // serialization failure or deadlock: another writer won
  "42": "repair", // undefined table, missing privilege: the schema or its grants
  "53": "retry", // insufficient resources: disk, memory or connections
  "54": "reject", // program limit exceeded: a row too large for its index
  "55": "retry", // object not in prerequisite state: a lock not available
  "57": "retry", // operator intervention: shutdown, cancelled, starting up
  "58": "retry", // system error: input or output outside PostgreSQL
  "XX": "retry", // internal error
};

const checkViolation = "23514";
const uniqueViolation = "23505";

/** Classes a failed write; anything without an SQLSTATE is the connection, and retried. */
export function writeFailure(error: unknown): WriteFailure {
  const code = sqlState(error);
  if (code === undefined) return "retry";
  if (isMissingPartition(error)) return "retry";
  if (code === uniqueViolation && namesDeviceKey(error)) return "retry";
  return failures[code] ?? failures[code.slice(0, 2)] ?? "retry";
}

/** Whether a row has an instant that no partition is there for. */
export function isMissingPartition(error: unknown): boolean {
  return sqlState(error) === checkViolation && !namesConstraint(error);
}

/**
 * A check has a name; a partition that is missing is reported by the same code,
 * without one. Citus passes on no more of a worker's error than its message.
 */
function namesConstraint(error: unknown): boolean {
  const { constraint, message } = error as { constraint?: unknown; message?: unknown };
  return typeof constraint === "string" || /violates check constraint/.test(String(message));
}

/**
 * Two who register a device at once may meet in the key that the statement does
 * not name, of this release or of the one before: the next try finds the row.
 */
function namesDeviceKey(error: unknown): boolean {
  const { constraint, message } = error as { constraint?: unknown; message?: unknown };
  return /\biot_devices_(device_id|pkey)/.test(`${constraint ?? message}`);
}

/** The SQLSTATE that the database gave, if it was the database that failed; each has a digit, `EPIPE` none. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === "string" && /^(?=.*[0-9])[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** An error of the database or the way to it that may be gone by the next try. */
export function isTransient(error: unknown): boolean {
  const fromDatabase = error instanceof Error && ("severity" in error || isConnectionError(error));
  return fromDatabase && writeFailure(error) === "retry";
}

/** What `pg` throws when there is no session to speak of. */
export function isConnectionError(error: Error): boolean {
  const code = (error as { readonly code?: unknown }).code;
  return (typeof code === "string" && /^E[A-Z]+$/.test(code)) ||
    /Connection terminated|timeout|Client has encountered a connection error/i
      .test(error.message);
}
