/** Warns where a service listens beyond this machine: it serves whoever reaches it. */
export function warnIfOpen(
  host: string,
  log: { warning(message: string, fields: Record<string, unknown>): void },
): void {
  if (isLoopback(host)) return;
  log.warning("There is no authentication: whoever reaches the ports can use them", { host });
}

/** Whether an address, or a name, is this machine's alone. */
export function isLoopback(host: string): boolean {
  return /^(127(\.\d{1,3}){3}|::ffff:127(\.\d{1,3}){3}|::1|localhost)$/i.test(host);
}
