/** What the worker is asked: to make a database, or to open one, query it and close it. */
export type PgliteCall =
  | { readonly call: "create"; readonly folder: string }
  | { readonly call: "open"; readonly folder: string }
  | { readonly call: "query"; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly call: "close" };

/** What it says. Calls are answered one by one, in their order. */
export type PgliteAnswer =
  | { readonly result: PgliteResult | undefined }
  | { readonly error: PlainError }
  /** The database is gone, and all that waits with it. */
  | { readonly broken: string };

export interface PgliteResult {
  readonly rows: readonly unknown[];
  readonly affectedRows: number | undefined;
  /** What the statement was, in one word. */
  readonly command: string | undefined;
}

/** An error as it gets through to another thread: a copy of one keeps its message alone. */
export type PlainError = Readonly<Record<string, string | number>> & { readonly message: string };

export function plainError(error: unknown): PlainError {
  if (!(error instanceof Error)) return { message: String(error) };
  // The statement and its parameters are the caller's, who has them.
  const fields = Object.entries(error)
    .filter(([key, value]) => key !== "query" && ["string", "number"].includes(typeof value));
  return { ...Object.fromEntries(fields), message: error.message };
}

/** The error again, with the SQLSTATE and whatever else the database gave. */
export function errorOf({ message, ...fields }: PlainError): Error {
  return Object.assign(new Error(message), fields);
}
