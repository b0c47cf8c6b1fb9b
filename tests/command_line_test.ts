/** The programs as a person starts them: what they say, and how they end. */
import assert from "node:assert/strict";
import { flattenSettings } from "#shared/config/flatten_settings.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import type { Settings } from "#shared/config/setting.ts";
import { backendSettings, databaseSettings } from "../services/backend/config.ts";
import { verifySettings } from "../services/cli/verify.ts";
import { frontendSettings } from "../services/frontend/config.ts";
import { generatorSettings } from "../services/generator/config.ts";
import { tempFolder } from "../tools/services/temp_folder.ts";
import { createTestDatabase, postgresUrl } from "./support/postgres.ts";
import { amqpUrl } from "./support/rabbitmq.ts";
import {
  type ProgramTask,
  runTask,
  startTask,
  type TaskEnd,
  type TaskOptions,
} from "./support/task_process.ts";
import { waitUntil } from "./support/wait_until.ts";

const secret = "s3cret-of-the-test";
const { backend_url: _, ...frontendOfDev } = frontendSettings.frontend;
const freePorts = ["grpc", "http", "backend-metrics", "generator-metrics"].map((name) =>
  `--${name}-port=0`
);

function showsNothingOfTheInside({ stdout, stderr }: Pick<TaskEnd, "stdout" | "stderr">): void {
  for (const output of [stdout, stderr]) {
    assert(!output.includes(secret), `a secret: ${output}`);
    assert(!/Uncaught|^ +at |--allow-/m.test(output), output);
  }
}

/** Runs a program that cannot start, and says why in one line. */
async function refusal(task: ProgramTask, options: TaskOptions): Promise<string> {
  const { code, stdout, stderr } = await runTask(task, options);
  showsNothingOfTheInside({ stdout, stderr });
  assert.equal(code, 1, stderr);
  assert.match(stderr, /^Cannot [^\n]+\n$/);
  return stderr.trimEnd();
}

function assertJsonLines(stdout: string): void {
  for (const line of stdout.trimEnd().split("\n")) {
    const record = JSON.parse(line);
    assert.equal(typeof record.message, "string");
    assert(!Number.isNaN(Date.parse(record["@timestamp"])), line);
  }
}

const helps: readonly (readonly [ProgramTask, readonly string[], Settings])[] = [
  ["generator", [], generatorSettings],
  ["backend", [], backendSettings],
  ["frontend", [], frontendSettings],
  ["demo-app", ["backend"], backendSettings],
  ["migrate", [], { log: logSettings, backend: { db: databaseSettings } }],
  ["demo-app", ["verify"], verifySettings],
  ["dev", [], { ...generatorSettings, ...backendSettings, frontend: frontendOfDev }],
];

for (const [task, args, sections] of helps) {
  Deno.test(`--help of ${[task, ...args].join(" ")} documents every key`, async () => {
    const { code, stdout, stderr } = await runTask(task, { args: [...args, "--help"] });
    assert.equal(code, 0, stderr);
    assert.equal(stderr, "");
    const help = stdout.replace(/\s+/g, " ");
    for (const { flag, variable, setting } of flattenSettings(sections)) {
      assert(help.includes(`--${flag} <${setting.placeholder}> ${setting.doc} (`), flag);
      const file = setting.secret ? ` or ${variable}_FILE` : "";
      assert(help.includes(`env: ${variable}${file})`), variable);
      // The defaults of dev are its own.
      const shown = setting.default === undefined ? "" : `default: ${setting.default || '""'}, `;
      if (task !== "dev") assert(help.includes(`(${shown}env: ${variable}`), `${flag}: ${shown}`);
    }
    for (const flag of stdout.matchAll(/^ +(?:-h, )?--([a-z-]+)/gm)) {
      const known = flattenSettings(sections).map(({ flag }) => flag);
      assert([...known, "config", "help"].includes(flag[1]!), `--${flag[1]} is no setting`);
    }
  });
}

Deno.test("A program takes its flags behind the dashes that a task hands on", async () => {
  const { code, stdout } = await runTask("backend", { args: ["--", "--help"] });
  assert.equal(code, 0);
  assert.match(stdout, /^Usage: backend/);
});

Deno.test("demo-app without a command, or with an unknown one, says what there is", async () => {
  const bare = await runTask("demo-app");
  assert.equal(bare.code, 2);
  for (const command of ["dev", "generator", "backend", "frontend", "migrate", "verify"]) {
    assert.match(bare.stderr, new RegExp(`^  ${command} `, "m"));
  }
  const unknown = await runTask("demo-app", { args: ["bakend"] });
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /^error: unknown command 'bakend'/);
  const help = await runTask("demo-app", { args: ["--help"] });
  assert.equal(help.code, 0);
  assert.match(help.stdout, /^Usage: demo-app/);
});

Deno.test("Bad settings are one message, of all that is wrong, and status 2", async () => {
  await using folder = await tempFolder("demo-app-");
  const file = `${folder.path}/app.yaml`;
  await Deno.writeTextFile(file, `backend: { db: { url: 'mysql://u:${secret}@h' }, porrt: 1 }`);
  const { code, stdout, stderr } = await runTask("demo-app", {
    args: [
      "backend",
      `--config=${file}`,
      "--grpc-port=0x1",
      `--db-pasword=${secret}`,
      "--db-pasword",
      secret,
    ],
    env: {
      APP_BACKEND_INGEST_BATCH_WAIT: "-1s",
      APP_BACKEND_RABBITMQ_URL: `http://${secret}`,
      APP_BACKEND_TYPO: secret,
    },
  });
  showsNothingOfTheInside({ stdout, stderr });
  assert.equal(code, 2);
  assert.equal(stdout, "");
  const [title, ...lines] = stderr.trimEnd().split("\n");
  assert.equal(title, "Cannot start backend: bad configuration");
  for (
    const expected of [
      "--db-pasword (command line)",
      "APP_BACKEND_TYPO (environment)",
      `backend.porrt (file ${file})`,
      'backend.grpc_port = "0x1" (flag --grpc-port)',
      `backend.db.url = "(withheld)" (file ${file})`,
      'backend.ingest.batch_wait = "-1s" (variable APP_BACKEND_INGEST_BATCH_WAIT)',
      'backend.rabbitmq.url = "(withheld)" (variable APP_BACKEND_RABBITMQ_URL)',
    ]
  ) assert(lines.some((line) => line.startsWith(`  ${expected}: `)), `${expected}\n${stderr}`);
  assert.equal(lines.length, 8, stderr);
});

Deno.test("Settings that do not go together are refused like bad ones", async () => {
  for (
    const [task, args, expected] of [
      ["generator", ["--queue-durable=false", "--queue-type=quorum"], /generator\.queue_durable/],
      [
        "backend",
        ["--rabbitmq-queue-durable=false", "--rabbitmq-queue-type=quorum"],
        /backend\.rabbitmq\.queue_durable/,
      ],
      ["backend", ["--rabbitmq-prefetch=10"], /backend\.rabbitmq\.prefetch/],
      ["migrate", ["sideways"], /sideways \(command line\)/],
      ["frontend", ["--config=missing.yaml"], /config = "missing\.yaml" \(flag --config\)/],
      ["frontend", ["--http-port"], /argument missing/],
    ] as const
  ) {
    const { code, stdout, stderr } = await runTask(task, { args });
    showsNothingOfTheInside({ stdout, stderr });
    assert.equal(code, 2, stderr);
    assert.match(stderr, expected);
  }
});

Deno.test("A busy port is one line that names its setting", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  await using folder = await tempFolder("demo-app-");
  for (
    const [task, args, key] of [
      ["generator", [`--metrics-port=${port}`], "generator.metrics_port"],
      ["backend", [`--metrics-port=${port}`], "backend.metrics_port"],
      ["frontend", [`--http-port=${port}`], "frontend.http_port"],
      ["dev", [...freePorts, `--grpc-port=${port}`], "backend.grpc_port"],
      ["dev", [...freePorts, `--generator-metrics-port=${port}`], "generator.metrics_port"],
    ] as const
  ) {
    const host = task === "dev" ? [] : ["--host=127.0.0.1"];
    const line = await refusal(task, { args: [...args, ...host], cwd: folder.path });
    const why = `the port is in use; choose another with ${key}`;
    assert.equal(line, `Cannot listen on 127.0.0.1:${port}: ${why}`);
  }
});

Deno.test("A folder that cannot be written is one line", async () => {
  await using folder = await tempFolder("demo-app-");
  await Deno.writeTextFile(`${folder.path}/.data`, "a file");
  const line = await refusal("dev", { args: freePorts, cwd: folder.path });
  assert.match(line, /^Cannot open the database in \.data\/pglite: .*[Nn]ot a directory/);
  const outside = { args: [...freePorts, "--db-url=pglite://elsewhere"], cwd: folder.path };
  const { code, stderr } = await runTask("dev", outside);
  assert.equal(code, 1);
  assert.match(stderr, /^Cannot open the database in elsewhere: [^\n]+\n$/);
});

Deno.test("dev runs once in a folder, and ends well when it is told to stop", async () => {
  await using folder = await tempFolder("demo-app-");
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

Deno.test("SIGTERM and Ctrl-C end a program that still waits for its broker or database", async () => {
  const away = `amqp://someone:${secret}@127.0.0.1:1`;
  const noDatabase = `postgres://someone:${secret}@127.0.0.1:1/iot`;
  for (
    const [task, args, expected, signal] of [
      ["generator", [`--rabbitmq-url=${away}`], /No connection to the broker/, "SIGTERM"],
      ["backend", [`--db-url=${noDatabase}`], /Cannot use the database yet/, "SIGINT"],
      ["migrate", [`--db-url=${noDatabase}`], /Cannot use the database yet/, "SIGTERM"],
    ] as const
  ) {
    const ports = task === "migrate" ? [] : ["--metrics-port=0"];
    await using program = startTask(task, { args: [...args, ...ports] });
    await program.printed(expected);
    const startedMs = performance.now();
    program.kill(signal);
    const { code, stdout, stderr } = await program.ended;
    assert(performance.now() - startedMs < 15_000, "it took longer");
    assert.equal(code, 0, program.output());
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
  assert.equal(code, 143, frontend.output());
});

Deno.test({
  name: "A wrong password or virtual host of the broker is one line",
  ignore: amqpUrl === undefined,
  async fn() {
    const wrong = new URL(amqpUrl!);
    wrong.password = secret;
    const elsewhere = new URL(amqpUrl!);
    elsewhere.pathname = "/no-such-host";
    for (const [url, expected] of [[wrong, /user or password/], [elsewhere, /no-such-host/]]) {
      const options = {
        args: ["--metrics-port=0"],
        env: { APP_GENERATOR_RABBITMQ_URL: (url as URL).href },
      };
      const line = await refusal("generator", options);
      assert.match(line, /^Cannot connect to the broker at /);
      assert.match(line, expected as RegExp);
    }
  },
});

Deno.test({
  name: "A database that does not exist is one line that says how to make it",
  ignore: postgresUrl === undefined,
  async fn() {
    const url = new URL(postgresUrl!);
    url.pathname = "/test_no_such_database";
    for (const task of ["backend", "migrate"] as const) {
      const ports = task === "migrate" ? [] : ["--metrics-port=0", "--grpc-port=0"];
      const line = await refusal(task, { args: [`--db-url=${url.href}`, ...ports] });
      assert.match(line, /createdb test_no_such_database$/);
    }
  },
});

/** What `migrate` does, on the database that the URL names. */
async function migrates(url: string, cwd?: string): Promise<void> {
  const migrate = async (...args: string[]) => {
    const options = { args: [`--db-url=${url}`, ...args], ...(cwd === undefined ? {} : { cwd }) };
    const { code, stdout, stderr } = await runTask("migrate", options);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, "");
    const lines = stdout.split("\n").filter((line) => /^(not applied|\d{4}-)/.test(line));
    return lines.map((line) => line.startsWith("not applied") ? "missing" : "applied");
  };
  const listed = await migrate("list");
  assert(listed.length > 0);
  assert(listed.every((state) => state === "missing"));
  assert((await migrate("up")).every((state) => state === "applied"));
  assert((await migrate()).every((state) => state === "applied"));
  const undone = await migrate("down");
  assert.equal(undone.at(-1), "missing");
  assert.deepEqual(await migrate("list"), undone);
}

Deno.test("migrate lists, applies and undoes on the embedded database", async () => {
  await using folder = await tempFolder("demo-app-");
  await migrates("pglite://.data/migrate", folder.path);
});

Deno.test({
  name: "migrate lists, applies and undoes on PostgreSQL",
  ignore: postgresUrl === undefined,
  async fn() {
    await using database = await createTestDatabase();
    await migrates(database.url);
  },
});
