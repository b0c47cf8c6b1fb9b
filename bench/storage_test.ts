import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { postgresUrl } from "../tests/support/postgres.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

async function run(...flags: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "bench/storage.ts", "--quick", ...flags],
    cwd: root,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assert(success, decoder.decode(stderr));
  return decoder.decode(stdout);
}

Deno.test({
  name: "bench:storage asks both tables the same, and prints what they take",
  ignore: postgresUrl === undefined,
  async fn() {
    const printed = await run(`--db=${postgresUrl}`);
    assert.match(printed, /^\| fleet at 5 s, packed .*\d\.\d\d \|$/m);
    assert.match(printed, /^\| fleet at 5 s: verified, [1-9]\d? % packed /m);
    assert.match(printed, /^\| one plain table /m);
  },
});
