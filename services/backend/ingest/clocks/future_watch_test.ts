import assert from "node:assert/strict";
import { keptLog } from "../../../../tests/support/log_lines.ts";
import { MalformedMessageError } from "../../readings/malformed_message_error.ts";
import { FutureWatch } from "./future_watch.ts";

/** A watch over messages of one byte: 1 is good, 2 of the future, 3 undecodable. */
function watched() {
  const { log, lines } = keptLog();
  const watch = new FutureWatch(log);
  const decode = watch.over(([kind]) => {
    if (kind === 2) throw new MalformedMessageError("from_future", "in two days");
    if (kind === 3) throw new MalformedMessageError("undecodable", "no message");
    return kind;
  });
  const come = (...kinds: readonly number[]) => {
    for (const kind of kinds) {
      if (kind === 1) assert.equal(decode(Uint8Array.of(kind), 0), 1);
      else assert.throws(() => decode(Uint8Array.of(kind), 0), MalformedMessageError);
    }
  };
  return { watch, come, lines };
}

Deno.test("FutureWatch suspects the clocks here where most messages are of the future", () => {
  const { watch, come, lines } = watched();
  come(1, 2, 2, 3, 3);
  watch.look();
  assert.deepEqual(lines, [{
    level: "warning",
    message:
      "Most messages are of the future: are the clocks here slow? They are kept as dead letters",
    fields: { ofFuture: 2, others: 1, firstDetail: "in two days" },
  }]);
});

Deno.test("FutureWatch suspects nothing where some device's clock is fast, or nothing comes", () => {
  const { watch, come, lines } = watched();
  watch.look();
  come(1, 1, 2, 2);
  watch.look();
  come(2, 1);
  watch.look();
  come(3);
  watch.look();
  assert.deepEqual(lines, []);
});
