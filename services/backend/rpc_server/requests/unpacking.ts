import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { within } from "#shared/lifecycle/within.ts";

/** Messages that may wait to be unpacked: each is small, but there is no end to calls that are reset. */
const maxWaiting = 1_000;
/** Longest that one keeps the others waiting, in milliseconds. */
const turnMs = 5_000;

/**
 * The same, of which one message is unpacked at a time: a few bytes may unpack to
 * as much as a message may have, and a thousand calls that do so at once would
 * take it all together.
 */
export function unpackingInTurns(compressions: readonly Compression[]): Compression[] {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return compressions.map((compression) => ({
    name: compression.name,
    compress: (bytes) => compression.compress(bytes),
    async decompress(bytes, readMaxBytes) {
      if (waiting >= maxWaiting) {
        throw new ConnectError("too many messages wait to be unpacked", Code.ResourceExhausted);
      }
      waiting++;
      const turn = last;
      const { promise, resolve } = Promise.withResolvers<void>();
      last = promise;
      await turn;
      waiting--;
      const unpacked = compression.decompress(bytes, readMaxBytes);
      within(turnMs, unpacked.catch(() => {})).then(() => resolve());
      return await unpacked;
    },
  }));
}
