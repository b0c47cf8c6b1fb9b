/**
 * A TCP port of 127.0.0.1 that nothing listens on. For programs that cannot
 * take port 0; someone else may get it first, though hardly so soon.
 */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
