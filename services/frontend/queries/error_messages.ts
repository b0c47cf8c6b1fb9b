/** What a query's error and its causes say, in a line; where they were thrown is the backend's to tell. */
export function errorMessages(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause === undefined ? message : `${message}: ${errorMessages(cause)}`;
}
