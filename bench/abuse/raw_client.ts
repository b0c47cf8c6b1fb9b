/** Clients that misbehave by the byte, until `signal` is aborted; a server may well hang up. */

/** Opens connections one after the other, each as soon as the one before has ended. */
export async function reconnecting(
  port: number,
  signal: AbortSignal,
  use: (connection: Deno.Conn) => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      const hangUp = () => closeQuietly(connection);
      signal.addEventListener("abort", hangUp);
      await use(connection).finally(() => signal.removeEventListener("abort", hangUp));
    } catch {
      // Refused or cut: that is the server's right.
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Reads and forgets, until the other side ends it. */
export async function drain(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(65_536);
  while (await connection.read(buffer) !== null);
}

/** Resolves when the other side has gone, without reading: it tries to send a byte now and then. */
export async function untilCut(connection: Deno.Conn, byte: Uint8Array): Promise<void> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await connection.write(byte);
  }
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
