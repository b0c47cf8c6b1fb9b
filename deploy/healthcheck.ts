/**
 * `healthcheck.ts PORT…`: succeeds if the service on this machine is ready. Of
 * the ports, the first that anything listens on is the service's. The image has
 * no curl; it does have Deno.
 */
for (const port of Deno.args) {
  try {
    const { status } = await fetch(`http://127.0.0.1:${port}/readyz`, {
      signal: AbortSignal.timeout(4_000),
    });
    Deno.exit(status === 200 ? 0 : 1);
  } catch (error) {
    // Nothing listens there. Anything else is a service that cannot answer.
    if (!(error instanceof TypeError)) break;
  }
}
Deno.exit(1);
