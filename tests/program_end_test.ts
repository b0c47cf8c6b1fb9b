/** How the programs end: by signals, and when nobody reads what they print. */
import assert from "node:assert/strict";
import { tempFolder } from "../tools/services/temp_folder.ts";
import { createTestDatabase, postgresUrl } from "./support/postgres.ts";
import {
  assertJsonLines,
  freePorts,
  refusal,
  secret,
  showsNothingOfTheInside,
} from "./support/program_output.ts";
import { startTask } from "./support/task_process.ts";
import { placePglite } from "./support/temp_pglite.ts";
import { inTime, waitUntil } from "./support/wait_until.ts";

Deno.test("dev runs once in a folder, and ends well when it is told to stop", async () => {
  await using folder = await tempFolder("demo-app-");
  await placePglite(`${folder.path}/.data/pglite`);
  const options = { args: [...freePorts, "--interval=100ms"], cwd: folder.path };
  await using first = startTask("dev", options);
  await first.printed(/The pipeline is running/);
  const line = await refusal("dev", options);
  assert.match(line, /^Cannot open the database in .*another process has it open/);
  first.kill("SIGTERM");
  const { code, stdout, stderr } = await first.ended;
  assert.equal(code, 0, first.output());
  assert.equal(stderr, "");
  showsNothingOfTheInside({ stdout, stderr });
});

Deno.test("SIGTERM, Ctrl-C and SIGHUP end a program that still waits for its broker or database", async () => {
  const away = `amqp://someone:${secret}@127.0.0.1:1`;
  const noDatabase = `postgres://someone:${secret}@127.0.0.1:1/iot`;
  for (
    const [task, args, expected, signal] of [
      ["generator", [`--rabbitmq-url=${away}`], /No connection to the broker/, "SIGTERM"],
      ["backend", [`--db-url=${noDatabase}`], /Cannot use the database yet/, "SIGINT"],
      ["migrate", [`--db-url=${noDatabase}`], /Cannot use the database yet/, "SIGTERM"],
      ["generator", [`--rabbitmq-url=${away}`], /No connection to the broker/, "SIGHUP"],
    ] as const
  ) {
    const ports = task === "migrate" ? [] : ["--metrics-port=0"];
    await using program = startTask(task, { args: [...args, ...ports] });
    await program.printed(expected);
    program.kill(signal);
    const { code, stdout, stderr } = await inTime(program.ended, `the end of ${task}`);
    // A service has nothing left to do; a task has not done what it was for.
    const isTask = task === "migrate";
    assert.equal(code, isTask ? 1 : 0, program.output());
    assert.equal(stderr, isTask ? "Cannot finish: stopped by SIGTERM\n" : "");
    showsNothingOfTheInside({ stdout, stderr });
    assertJsonLines(stdout);
  }
});

Deno.test({
  name: "SIGTERM ends a backend whose broker is away, database at hand",
  ignore: postgresUrl === undefined,
  async fn() {
    await using database = await createTestDatabase();
    const args = [
      `--db-url=${database.url}`,
      "--rabbitmq-url=amqp://127.0.0.1:1",
      "--metrics-port=0",
      "--grpc-port=0",
    ];
    await using backend = startTask("backend", { args });
    await backend.printed(/No connection to the broker/);
    backend.kill("SIGTERM");
    const { code, stdout, stderr } = await backend.ended;
    assert.equal(code, 0, backend.output());
    assert.equal(stderr, "");
    assertJsonLines(stdout);
  },
});

Deno.test("A second signal ends a program at once", async () => {
  // One that comes too late, on a busy machine, finds a program that has ended well by itself.
  const codes: number[] = [];
  while (codes.length < 10 && codes.at(-1) !== 143) codes.push(await endedBySecondSignal());
  assert.equal(codes.at(-1), 143, String(codes));
});

/** How a frontend ends that a request holds up when it is told to stop, and is told again. */
async function endedBySecondSignal(): Promise<number> {
  // A backend that takes requests and never answers.
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr;
  const args = ["--http-port=0", "--host=127.0.0.1", `--backend-url=127.0.0.1:${port}`];
  await using frontend = startTask("frontend", { args });
  await frontend.printed(/Serving pages/);
  const url = /"url":"(http:[^"]+)"/.exec(frontend.output())![1]!;
  const page = fetch(`${url}/devices`).then((response) => response.body?.cancel(), () => {});
  using _held = await silent.accept();
  frontend.kill("SIGTERM");
  await waitUntil(
    () => fetch(`${url}/healthz`).then((response) => response.body?.cancel(), () => true),
    { what: "the frontend to stop listening" },
  );
  frontend.kill("SIGTERM");
  const { code } = await frontend.ended;
  await page;
  return code;
}

Deno.test("A program stops when it finds that nobody reads what it logs", async () => {
  // It logs each try to connect, for ever.
  const args = ["--rabbitmq-url=amqp://127.0.0.1:1", "--metrics-port=0"];
  const options = { args, readUntil: /No connection to the broker/ };
  await using generator = startTask("generator", options);
  const { code, stderr } = await inTime(generator.ended, "the end of the generator");
  assert.deepEqual({ code, stderr }, { code: 141, stderr: "" });
});

Deno.test("dev stops, and says nothing, when nobody reads what it prints", async () => {
  await using folder = await tempFolder("demo-app-");
  await using dev = startTask("dev", { args: freePorts, cwd: folder.path, readUntil: /\n/ });
  await dev.printed(/\n/);
  // On a machine so slow that all was there to be read at once, nothing was missed.
  const whole = /The pipeline is running/.test(dev.output());
  if (whole) dev.kill("SIGTERM");
  const { code, stderr } = await inTime(dev.ended, "the end of dev");
  assert.equal(stderr, "");
  if (!whole) assert.equal(code, 141);
  await using again = startTask("dev", { args: freePorts, cwd: folder.path });
  await again.printed(/The pipeline is running/);
});
