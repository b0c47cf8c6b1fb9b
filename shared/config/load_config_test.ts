import assert from "node:assert/strict";
import { ConfigError, type ConfigIssue } from "./config_error.ts";
import { type ConfigSources, loadConfig, loadNamedConfig } from "./load_config.ts";
import {
  duration,
  listenPort,
  secretText,
  secretUrl,
  text,
  trueOrFalse,
  voiding,
  wholeNumber,
} from "./setting_kinds.ts";
import { nameKeys, type SettingNames } from "./setting_names.ts";
import { withDefaults } from "./with_defaults.ts";

const settings = {
  log: { level: text({ doc: "level", default: "info" }) },
  backend: {
    grpc_port: listenPort({ doc: "port", default: 50051 }),
    batch_wait: duration({ doc: "wait", default: "50ms", minMs: 1 }),
    db: {
      host: text({ doc: "host", default: "localhost" }),
      password: secretText({ doc: "password", default: "postgres" }),
      url: voiding(
        secretUrl(["postgres:"], { doc: "url", default: undefined }),
        () => ({ settings: ["host", "password"], instead: "postgres://…" }),
      ),
    },
  },
};
const unused = [{
  backend: { prefetch: wholeNumber({ doc: "prefetch", default: 1, min: 1, max: 9 }) },
}];

interface Given {
  readonly flags?: Readonly<Record<string, string>>;
  readonly stray?: readonly string[];
  readonly actions?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The text of `app.yaml`. */
  readonly file?: string;
  /** Texts of other files, by path. */
  readonly files?: Readonly<Record<string, string>>;
}

function load(given: Given) {
  return loadNamedConfig("backend", settings, sourcesOf(given), { unused }).config;
}

function sourcesOf(
  { flags = {}, stray = [], actions = [], environment = {}, file, files = {} }: Given,
): ConfigSources {
  const texts: Readonly<Record<string, string>> = { ...files, "app.yaml": file ?? "" };
  return {
    flags: new Map(Object.entries(flags)),
    strayArguments: stray,
    actions,
    environment,
    configFile: file === undefined ? undefined : "app.yaml",
    readTextFile(path) {
      const found = texts[path];
      if (found === undefined) throw new Error(`no such file: ${path}`);
      return found;
    },
  };
}

/** The issues, and nothing else, that the sources have. */
function issuesOf(given: Given): readonly ConfigIssue[] {
  try {
    load(given);
  } catch (error) {
    if (error instanceof ConfigError) return error.issues;
    throw error;
  }
  return [];
}

Deno.test("loadConfig gives defaults, by camelCase keys with their units", () => {
  assert.deepEqual(load({}), {
    log: { level: "info" },
    backend: {
      grpcPort: 50051,
      batchWaitMs: 50,
      db: { host: "localhost", password: "postgres", url: undefined },
    },
  });
});

Deno.test("loadConfig takes each key from its strongest source", () => {
  const file = "backend: { grpc_port: 1, db: { host: file, password: file } }";
  const environment = { APP_BACKEND_GRPC_PORT: "2", APP_BACKEND_DB_HOST: "variable" };
  const flags = { "grpc-port": "3" };
  assert.equal(load({ file }).backend.grpcPort, 1);
  assert.equal(load({ file, environment }).backend.grpcPort, 2);
  const { backend } = load({ file, environment, flags });
  assert.equal(backend.grpcPort, 3);
  assert.deepEqual(backend.db, { host: "variable", password: "file", url: undefined });
  assert.equal(backend.batchWaitMs, 50);
});

Deno.test("loadConfig judges only the source that counts", () => {
  const environment = { APP_BACKEND_GRPC_PORT: "nonsense" };
  assert.equal(load({ environment, flags: { "grpc-port": "3" } }).backend.grpcPort, 3);
});

Deno.test("loadConfig reads a secret from the file that a variable names", () => {
  const environment = { APP_BACKEND_DB_PASSWORD_FILE: "/run/secret" };
  const passwordOf = (content: string) =>
    load({ environment, files: { "/run/secret": content } }).backend.db.password;
  assert.equal(passwordOf("s3cret"), "s3cret");
  assert.equal(passwordOf("s3cret\n"), "s3cret");
  assert.equal(passwordOf("s3cret\r\n"), "s3cret");
  assert.equal(passwordOf(" s3cret \n\n"), " s3cret \n");
  assert.equal(passwordOf(""), "");
});

Deno.test("loadConfig ranks a secret's file with variables: above the file, below flags", () => {
  const environment = { APP_BACKEND_DB_PASSWORD_FILE: "p" };
  const files = { p: "from-secret" };
  const file = "backend: { db: { password: from-yaml } }";
  assert.equal(load({ environment, files, file }).backend.db.password, "from-secret");
  const flags = { "db-password": "from-flag" };
  assert.equal(load({ environment, files, file, flags }).backend.db.password, "from-flag");
});

Deno.test("loadConfig refuses a secret and its file at once", () => {
  const environment = { APP_BACKEND_DB_PASSWORD: "s3cret", APP_BACKEND_DB_PASSWORD_FILE: "p" };
  assert.deepEqual(issuesOf({ environment, files: { p: "other" } }), [{
    name: "APP_BACKEND_DB_PASSWORD_FILE",
    key: "backend.db.password",
    value: "p",
    problem: "set this or APP_BACKEND_DB_PASSWORD, not both",
  }]);
});

Deno.test("loadConfig says which secret's file it cannot read", () => {
  const environment = { APP_BACKEND_DB_URL_FILE: "/nowhere" };
  assert.deepEqual(issuesOf({ environment }), [{
    name: "APP_BACKEND_DB_URL_FILE",
    key: "backend.db.url",
    value: "/nowhere",
    problem: "cannot read it: no such file: /nowhere",
  }]);
});

Deno.test("loadConfig has no file for what is no secret", () => {
  const [issue] = issuesOf({ environment: { APP_BACKEND_DB_HOST_FILE: "p" } });
  assert.equal(issue?.name, "APP_BACKEND_DB_HOST_FILE");
});

Deno.test("loadConfig reports everything that is wrong at once, by the names that it was given by", () => {
  const given: Given = {
    stray: ["--grcp-port=1"],
    flags: { "grpc-port": "65536" },
    environment: { APP_BACKEND_BATCH_WAIT: "soon", APP_BACKEND_DB_HOTS: "h" },
    file: "backend: { db: { host: ' ', hots: h, url: 'mysql://u:s3cret@h' } }\nfrontent: {}",
  };
  assert.throws(() => load(given), {
    message: [
      "Cannot start backend: bad configuration",
      "  --grcp-port: no such flag; did you mean --grpc-port? --help lists them",
      "  APP_BACKEND_DB_HOTS: no such variable; did you mean APP_BACKEND_DB_HOST? --help lists them",
      "  backend.db.hots in app.yaml: no such key; did you mean backend.db.host? --help lists them",
      "  frontent in app.yaml: no such key; did you mean frontend? --help lists them",
      '  --grpc-port = "65536" (backend.grpc_port): expected a port, 0 to 65535',
      '  APP_BACKEND_BATCH_WAIT = "soon" (backend.batch_wait): expected a duration such ' +
      "as 500ms, 5s or 1m30s, from 1ms to 1d",
      '  backend.db.host in app.yaml = " ": expected some text',
      '  backend.db.url in app.yaml = "(withheld)": expected a URL: postgres://…',
    ].join("\n"),
  });
});

Deno.test("loadConfig shows no value that was meant for a misspelt flag", () => {
  const stray = ["--db-pasword=s3cret", "--db-pasword", "s3cret", "-x", "s3cret"];
  const message = issuesOf({ stray }).map((issue) => JSON.stringify(issue)).join("\n");
  assert(!message.includes("s3cret"), message);
  assert.deepEqual(issuesOf({ stray: ["stray"] }).map(({ name }) => name), ["stray"]);
});

Deno.test("loadConfig calls a word that no flag goes before no flag", () => {
  const problems = issuesOf({ stray: ["sideways", "-x"] }).map(({ problem }) => problem);
  assert.deepEqual(problems, [
    "not expected here; --help says what is",
    "no such flag; --help lists them",
  ]);
});

Deno.test("loadConfig passes over variables of other programs and other services", () => {
  const environment = {
    APP_FRONTEND_WHATEVER: "1",
    APP_NAME: "x",
    APP_BACKENDS_X: "x",
    BACKEND_GRPC_PORT: "x",
    APP_BACKEND_PREFETCH: "not looked at",
  };
  assert.deepEqual(issuesOf({ environment }), []);
});

Deno.test("loadConfig refuses unknown variables of its own sections", () => {
  const environment = { APP_BACKEND_: "1", APP_LOG_LEVLE: "debug", APP_BACKEND_DB: "x" };
  assert.deepEqual(issuesOf({ environment }).map(({ name }) => name), Object.keys(environment));
});

Deno.test("loadConfig takes an empty variable as given, which only a secret may be", () => {
  const environment = { APP_BACKEND_DB_PASSWORD: "", APP_BACKEND_DB_HOST: "" };
  assert.deepEqual(issuesOf({ environment }), [{
    name: "APP_BACKEND_DB_HOST",
    key: "backend.db.host",
    value: "",
    problem: "expected some text",
  }]);
});

Deno.test("loadConfig says that it cannot read the configuration file", () => {
  assert.throws(
    () =>
      loadConfig("backend", settings, {
        flags: new Map(),
        strayArguments: [],
        environment: {},
        configFile: "missing.yaml",
        readTextFile: () => {
          throw new Error("no such file");
        },
      }),
    /\n {2}--config = "missing.yaml": cannot read it: no such file$/,
  );
});

Deno.test("loadConfig refuses what another setting makes void, and names both as given", () => {
  const url = "postgres://u:s3cret@h/d";
  const host = { name: "APP_BACKEND_DB_HOST", key: "backend.db.host", value: "h" };
  const password = {
    name: "backend.db.password in app.yaml",
    key: "backend.db.password",
    value: "(withheld)",
  };
  const problem = "it has no effect beside --db-url; leave out one of the two";
  assert.deepEqual(
    issuesOf({
      flags: { "db-url": url },
      environment: { APP_BACKEND_DB_HOST: "h" },
      file: "backend: { db: { password: s3cret } }",
    }),
    [{ ...host, problem }, { ...password, problem }],
  );
  assert.deepEqual(issuesOf({ flags: { "db-url": url } }), []);
  assert.deepEqual(issuesOf({ environment: { APP_BACKEND_DB_HOST: "h" } }), []);
});

Deno.test("loadConfig says what to give where a default makes a setting void", () => {
  const dev = withDefaults(settings, { "backend.db.url": "postgres://dev/db" });
  assert.throws(() => loadConfig("dev", dev, sourcesOf({ flags: { "db-host": "h" } })), {
    message: "Cannot start dev: bad configuration\n" +
      '  --db-host = "h" (backend.db.host): it has no effect on postgres://dev/db, the default of ' +
      "--db-url (backend.db.url); leave it out, or give postgres://… there",
  });
  loadConfig("dev", dev, sourcesOf({ flags: { "db-url": "postgres://h/d" } }));
});

Deno.test("loadConfig passes over what Kubernetes sets for a service named app-backend", () => {
  const environment = {
    APP_BACKEND_SERVICE_HOST: "10.96.0.12",
    APP_BACKEND_SERVICE_PORT: "50051",
    APP_BACKEND_SERVICE_PORT_GRPC: "50051",
    APP_BACKEND_PORT: "tcp://10.96.0.12:50051",
    APP_BACKEND_PORT_50051_TCP: "tcp://10.96.0.12:50051",
    APP_BACKEND_PORT_50051_TCP_PROTO: "tcp",
    APP_BACKEND_PORT_50051_TCP_PORT: "50051",
    APP_BACKEND_PORT_50051_TCP_ADDR: "10.96.0.12",
  };
  const { passedOver } = loadNamedConfig("backend", settings, sourcesOf({ environment }));
  assert.deepEqual(
    passedOver,
    Object.entries(environment).map(([variable, value]) => ({ variable, value, setting: false })),
  );
  assert.deepEqual(
    issuesOf({ environment: { ...environment, APP_BACKEND_PROT: "50051" } }).map(({ name }) =>
      name
    ),
    ["APP_BACKEND_PROT"],
  );
});

Deno.test("loadConfig takes a service's link for no setting, also by the name of one", () => {
  const environment = {
    APP_BACKEND_GRPC_PORT: "tcp://10.96.0.12:50051",
    APP_BACKEND_GRPC_SERVICE_HOST: "10.96.0.12",
  };
  const file = "backend: { grpc_port: 7 }";
  const { config, passedOver } = loadNamedConfig(
    "backend",
    settings,
    sourcesOf({ environment, file }),
  );
  assert.equal(config.backend.grpcPort, 7);
  assert.deepEqual(passedOver.map(({ variable, setting }) => [variable, setting]), [
    ["APP_BACKEND_GRPC_PORT", true],
    ["APP_BACKEND_GRPC_SERVICE_HOST", false],
  ]);
});

Deno.test("loadConfig suggests the flag that was meant, by its name or its key", () => {
  for (
    const [given, meant] of [
      ["--db-hots", "--db-host"],
      ["--grcp-port=1", "--grpc-port"],
      ["--verison", "--version"],
      ["--backend-grpc-port", "--grpc-port"],
      ["--port", "--grpc-port"],
    ] as const
  ) {
    assert.deepEqual(issuesOf({ stray: [given] }).map(({ problem }) => problem), [
      `no such flag; did you mean ${meant}? --help lists them`,
    ], given);
  }
  const actions = ["up", "down", "list"];
  assert.deepEqual(issuesOf({ stray: ["lits"], actions }), [{
    name: "lits",
    value: undefined,
    problem: "no such action; did you mean list? --help lists them",
  }]);
});

Deno.test("loadConfig refuses what it must not pass over, by environment and file", () => {
  const why = "it has no effect here; leave it out";
  const refused = { "backend.prefetch": why };
  const issuesOf = (given: Given) => {
    try {
      loadConfig("backend", settings, sourcesOf(given), { unused, refused });
    } catch (error) {
      if (error instanceof ConfigError) return error.issues;
      throw error;
    }
    return [];
  };
  const issue = { key: "backend.prefetch", value: "3", problem: why };
  assert.deepEqual(issuesOf({}), []);
  assert.deepEqual(issuesOf({ environment: { APP_BACKEND_PREFETCH: "3" } }), [
    { name: "APP_BACKEND_PREFETCH", ...issue },
  ]);
  assert.deepEqual(issuesOf({ file: "backend: { prefetch: 3 }" }), [
    { name: "backend.prefetch in app.yaml", ...issue },
  ]);
  assert.throws(
    () => loadConfig("backend", settings, sourcesOf({}), { unused, refused: { "backend.x": why } }),
    /Cannot refuse backend\.x: there is no such setting/,
  );
});

Deno.test("loadConfig refuses flags that only other actions use", () => {
  const misplacedFlags = new Map([["--limit", ["list", "replay", "drop"]], ["--yes", ["drop"]]]);
  assert.throws(
    () => loadConfig("letters show", settings, { ...sourcesOf({}), misplacedFlags }),
    {
      message: "Cannot start letters show: bad configuration\n" +
        "  --limit: letters show does not use it; list, replay and drop do\n" +
        "  --yes: letters show does not use it; drop does",
    },
  );
});

Deno.test("loadConfig names a flag that was negated as it was written", () => {
  const table = { backend: { durable: trueOrFalse({ doc: "durable", default: true }) } };
  const flags = { durable: "false" };
  const sources = { ...sourcesOf({ flags }), negated: new Set(["durable"]) };
  const { config, names } = loadNamedConfig("backend", table, sources);
  assert.equal(config.backend.durable, false);
  const issues = [{ key: "backend.durable", value: "false", problem: "expected true" }];
  const line = (names: SettingNames) =>
    new ConfigError("backend", issues).withNames(names).message.split("\n")[1];
  assert.equal(line(names), "  --no-durable (backend.durable): expected true");
  const { names: written } = loadNamedConfig("backend", table, sourcesOf({ flags }));
  assert.equal(line(written), '  --durable = "false" (backend.durable): expected true');
  for (const [stray, meant] of [["--no-durabel", "--no-durable"], ["--durabel", "--durable"]]) {
    assert.throws(
      () => loadConfig("backend", table, sourcesOf({ stray: [stray!] })),
      new RegExp(`did you mean ${meant}\\?`),
    );
  }
});

Deno.test("loadConfig knows by which name a person gave a setting", () => {
  const { names } = loadNamedConfig(
    "backend",
    settings,
    sourcesOf({
      flags: { "grpc-port": "3" },
      environment: { APP_BACKEND_BATCH_WAIT: "1s" },
      file: "backend: { db: { host: h } }",
    }),
  );
  const text = "see backend.grpc_port, backend.batch_wait, backend.db.host and log.level; not b.c.";
  assert.equal(
    nameKeys(text, names),
    "see --grpc-port (backend.grpc_port), APP_BACKEND_BATCH_WAIT (backend.batch_wait), " +
      "backend.db.host in app.yaml and --log-level (log.level); not b.c.",
  );
  const error = new ConfigError("backend", [{
    key: "backend.batch_wait",
    value: "1s",
    problem: "expected less than backend.grpc_port",
  }]).withNames(names);
  assert.equal(
    error.message,
    "Cannot start backend: bad configuration\n" +
      '  APP_BACKEND_BATCH_WAIT = "1s" (backend.batch_wait): expected less than --grpc-port ' +
      "(backend.grpc_port)",
  );
});
