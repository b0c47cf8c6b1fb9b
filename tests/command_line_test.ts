/** The programs as a person starts them: what they say, and what they refuse. */
import assert from "node:assert/strict";
import { flattenSettings } from "#shared/config/flatten_settings.ts";
import type { Settings } from "#shared/config/setting.ts";
import { backendSettings } from "../services/backend/config.ts";
import { commands } from "../services/cli/commands.ts";
import { frontendSettings } from "../services/frontend/config.ts";
import { generatorSettings } from "../services/generator/config.ts";
import { tempFolder } from "../tools/services/temp_folder.ts";
import { postgresUrl } from "./support/postgres.ts";
import { freePorts, refusal, secret, showsNothingOfTheInside } from "./support/program_output.ts";
import { amqpUrl } from "./support/rabbitmq.ts";
import { type ProgramTask, runTask, startTask } from "./support/task_process.ts";

const helps: readonly (readonly [ProgramTask, readonly string[], Settings])[] = [
  ["generator", [], generatorSettings],
  ["backend", [], backendSettings],
  ["frontend", [], frontendSettings],
  ...commands.flatMap(({ settings }) =>
    [...settings].map(([words, sections]) => ["demo-app", words.split(" "), sections] as const)
  ),
];

for (const [task, args, sections] of helps) {
  Deno.test(`--help of ${[task, ...args].join(" ")} documents every key, and no other`, async () => {
    const { code, stdout, stderr } = await runTask(task, { args: [...args, "--help"] });
    assert.equal(code, 0, stderr);
    assert.equal(stderr, "");
    const help = stdout.replace(/\s+/g, " ");
    for (const { key, flag, variable, setting } of flattenSettings(sections)) {
      const { boolean, doc, placeholder } = setting;
      const value = boolean ? `[${placeholder}]` : `<${placeholder}>`;
      const shown = setting.default === undefined ? "" : `default: ${setting.default || '""'}, `;
      const off = boolean ? `off: --no-${flag}, ` : "";
      const file = setting.secret ? ` or ${variable}_FILE` : "";
      const names = `env: ${variable}${file}, file: ${key}`;
      const line = `--${flag} ${value} ${doc} (${shown}${off}${names})`;
      assert(help.includes(line), line);
    }
    for (const flag of stdout.matchAll(/^ {2}(?:-h, )?--([a-z-]+)/gm)) {
      const known = flattenSettings(sections).map(({ flag }) => flag);
      assert(
        [...known, "config", "help", "version"].includes(flag[1]!),
        `--${flag[1]} is no setting`,
      );
    }
  });
}

Deno.test("A program takes its flags behind the dashes that a task hands on", async () => {
  for (
    const [task, args, usage] of [
      ["backend", ["--", "--help"], /^Usage: backend \[options\]/],
      ["migrate", ["--", "down", "--help"], /^Usage: demo-app migrate down \[options\]/],
      ["dev", ["--", "--help"], /^Usage: demo-app dev \[options\]/],
    ] as const
  ) {
    const { code, stdout } = await runTask(task, { args });
    assert.equal(code, 0);
    assert.match(stdout, usage);
  }
});

Deno.test("--help of a command of several actions says what they are, and where more is", async () => {
  const { code, stdout } = await runTask("demo-app", { args: ["dead-letters", "--help"] });
  assert.equal(code, 0);
  assert.match(stdout, /^Usage: demo-app dead-letters \[options\] \[command\]$/m);
  assert.match(stdout, /^ +list \[options\] +Prints .* \(the default\)$/m);
  for (const action of ["show", "replay", "drop"]) {
    assert.match(stdout, new RegExp(`^ +${action} \\[options\\] `, "m"));
  }
  assert.match(
    stdout,
    /\nThe settings of each command are in its own --help\.\n$/,
  );
  const drop = await runTask("demo-app", { args: ["dead-letters", "help", "drop"] });
  assert.match(drop.stdout, /^Usage: demo-app dead-letters drop \[options\]$/m);
});

Deno.test("demo-app without a command, or with an unknown one, says what there is", async () => {
  const bare = await runTask("demo-app");
  assert.equal(bare.code, 2);
  for (const command of ["dev", "generator", "backend", "frontend", "migrate", "verify"]) {
    assert.match(bare.stderr, new RegExp(`^  ${command} `, "m"));
  }
  assert.match(bare.stderr, /^ {2}dead-letters \[options\] \[command\] +Works on /m);
  assert.match(bare.stderr, /^ {2}help \[command\] +/m);
  const unknown = await runTask("demo-app", { args: ["bakend"] });
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /^error: unknown command 'bakend'\n\(Did you mean backend\?\)/);
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
      "--db-pasword",
      "APP_BACKEND_TYPO",
      `backend.porrt in ${file}`,
      '--grpc-port = "0x1" (backend.grpc_port)',
      `backend.db.url in ${file} = "(withheld)"`,
      'APP_BACKEND_INGEST_BATCH_WAIT = "-1s" (backend.ingest.batch_wait)',
      'APP_BACKEND_RABBITMQ_URL = "(withheld)" (backend.rabbitmq.url)',
    ]
  ) assert(lines.some((line) => line.startsWith(`  ${expected}: `)), `${expected}\n${stderr}`);
  assert.equal(lines.length, 8, stderr);
});

Deno.test("Settings that do not go together are refused like bad ones", async () => {
  for (
    const [task, args, expected] of [
      [
        "generator",
        ["--queue-durable=false", "--queue-type=quorum"],
        /^ {2}--queue-durable = "false" \(generator\.queue_durable\): expected true, as --queue-type /m,
      ],
      [
        "backend",
        ["--rabbitmq-queue-durable", "false", "--rabbitmq-queue-type=quorum"],
        /^ {2}--rabbitmq-queue-durable = "false" \(backend\.rabbitmq\.queue_durable\): /m,
      ],
      [
        "backend",
        ["--no-rabbitmq-queue-durable", "--rabbitmq-queue-type=quorum"],
        /^ {2}--no-rabbitmq-queue-durable \(backend\.rabbitmq\.queue_durable\): expected true/m,
      ],
      [
        "backend",
        ["--rabbitmq-prefetch=10"],
        /^ {2}--rabbitmq-prefetch = "10" .* at least 1000, which --ingest-batch-size \(backend/m,
      ],
      ["migrate", ["lits"], /^ {2}lits: no such action; did you mean list\?/m],
      ["migrate", ["--yes"], /^ {2}--yes: migrate up does not use it; down does$/m],
      [
        "demo-app",
        ["parked", "--limit=1", "lits"],
        /^ {2}lits: no such action; did you mean list/m,
      ],
      [
        "demo-app",
        ["dead-letters", "show", "--limit", "3", "--dump-bytes=x"],
        /^ {2}--limit: dead-letters show does not use it; list, replay and drop do\n {2}--dump-bytes = "x"/m,
      ],
      [
        "demo-app",
        ["parked", "release", "--device-id=d"],
        /^ {2}--device-id: parked release does not use it; list and drop do$/m,
      ],
      [
        "dev",
        ["--db-host=db.example.com"],
        /--db-host = "db\.example\.com" .*no effect on pglite:.*--db-url.*give postgres:\/\/USER/,
      ],
      ["dev", ["--queue-type=quorum"], /--queue-type .*no effect on memory:/],
      [
        "backend",
        ["--db-url=postgres://h/d", "--db-port=1"],
        /--db-port = "1" .*no effect beside --db-url/,
      ],
      ["migrate", ["--db-url=pglite://x", "--db-max-connections=9"], /no effect beside --db-url/],
      ["frontend", ["--config=missing.yaml"], /^ {2}--config = "missing\.yaml": cannot read it/m],
      ["frontend", ["--http-port"], /argument missing/],
    ] as const
  ) {
    const { code, stdout, stderr } = await runTask(task, { args });
    showsNothingOfTheInside({ stdout, stderr });
    assert.equal(code, 2, stderr);
    assert.match(stderr, expected);
  }
});

Deno.test("A setting that only other actions use is passed over outside of the command line", async () => {
  const env = {
    APP_DEAD_LETTERS_DUMP_BYTES: "64",
    APP_DEAD_LETTERS_YES: "true",
    APP_BACKEND_RABBITMQ_QUEUE_TYPE: "quorum",
    APP_BACKEND_RABBITMQ_URL: "memory://",
  };
  const args = ["dead-letters"];
  assert.match(
    await refusal("demo-app", { args, env }),
    /dead letters of memory:.*set APP_BACKEND_R/,
  );
});

Deno.test("What would have parked release do less than it does is refused, wherever it is given", async () => {
  const env = { APP_PARKED_DEVICE_ID: "d", APP_PARKED_YES: "true" };
  const { code, stderr } = await runTask("demo-app", { args: ["parked", "release"], env });
  assert.equal(code, 2);
  assert.equal(
    stderr,
    "Cannot start parked release: bad configuration\n" +
      '  APP_PARKED_DEVICE_ID = "d" (parked.device_id): it has no effect on release, which moves ' +
      "whatever can be moved; leave it out\n",
  );
});

Deno.test("A busy port is one line that names its setting", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  await using folder = await tempFolder("demo-app-");
  for (
    const [task, args, key] of [
      ["generator", [`--metrics-port=${port}`], "--metrics-port (generator.metrics_port)"],
      ["backend", [`--metrics-port=${port}`], "--metrics-port (backend.metrics_port)"],
      ["frontend", [`--http-port=${port}`], "--http-port (frontend.http_port)"],
      ["dev", [...freePorts, `--grpc-port=${port}`], "--grpc-port (backend.grpc_port)"],
      [
        "dev",
        [...freePorts, `--generator-metrics-port=${port}`],
        "--generator-metrics-port (generator.metrics_port)",
      ],
    ] as const
  ) {
    const line = await refusal(task, { args, cwd: folder.path });
    const why = `the port is in use; choose another with ${key}`;
    assert.equal(line, `Cannot listen on 127.0.0.1:${port}: ${why}`);
  }
  const env = { APP_FRONTEND_HTTP_PORT: String(port) };
  assert.match(await refusal("frontend", { env }), /with APP_FRONTEND_HTTP_PORT \(frontend\./);
});

Deno.test("A service that others can reach says that it has no authentication", async () => {
  for (const [host, warns] of [["0.0.0.0", true], ["127.0.0.1", false]] as const) {
    await using frontend = startTask("frontend", { args: ["--http-port=0", `--host=${host}`] });
    await frontend.printed(/Serving pages/);
    assert.equal(/There is no authentication/.test(frontend.output()), warns, frontend.output());
  }
});

Deno.test("A service starts beside a Kubernetes service of its own name", async () => {
  const env = {
    APP_FRONTEND_SERVICE_HOST: "10.96.0.12",
    APP_FRONTEND_PORT: "tcp://10.96.0.12:8080",
    APP_FRONTEND_PORT_8080_TCP_ADDR: "10.96.0.12",
    APP_FRONTEND_HTTP_PORT: "tcp://10.96.0.13:80",
  };
  const args = ["--config=app.yaml"];
  await using folder = await tempFolder("demo-app-");
  await Deno.writeTextFile(`${folder.path}/app.yaml`, "frontend: { http_port: 0 }");
  await using frontend = startTask("frontend", { args, env, cwd: folder.path });
  await frontend.printed(/Serving pages/);
  const warned = frontend.output().split("\n").filter((line) => line.includes("Passed over"));
  assert.equal(warned.length, 1, frontend.output());
  assert.match(warned[0]!, /"variable":"APP_FRONTEND_HTTP_PORT"/);
});

Deno.test("Every program says which version it is", async () => {
  for (const [task, args] of [["backend", []], ["demo-app", []], ["demo-app", ["dev"]]] as const) {
    const { code, stdout, stderr } = await runTask(task, { args: [...args, "--version"] });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(
      stdout,
      new RegExp(`^${task} \\d+\\.\\d+\\.\\d+ \\(deno ${Deno.version.deno}, [^\n]+\\)\n$`),
    );
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
