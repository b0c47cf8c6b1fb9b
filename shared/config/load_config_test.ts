import assert from "node:assert/strict";
import { ConfigError, type ConfigIssue } from "./config_error.ts";
import { type ConfigSources, loadConfig } from "./load_config.ts";
import { duration, listenPort, secretText, secretUrl, text, wholeNumber } from "./setting_kinds.ts";

const settings = {
  log: { level: text({ doc: "level", default: "info" }) },
  backend: {
    grpc_port: listenPort({ doc: "port", default: 50051 }),
    batch_wait: duration({ doc: "wait", default: "50ms", minMs: 1 }),
    db: {
      host: text({ doc: "host", default: "localhost" }),
      password: secretText({ doc: "password", default: "postgres" }),
      url: secretUrl(["postgres:"], { doc: "url", default: undefined }),
    },
  },
};
const unused = {
  backend: { prefetch: wholeNumber({ doc: "prefetch", default: 1, min: 1, max: 9 }) },
};

interface Given {
  readonly flags?: Readonly<Record<string, string>>;
  readonly stray?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The text of `app.yaml`. */
  readonly file?: string;
  /** Texts of other files, by path. */
  readonly files?: Readonly<Record<string, string>>;
}

function load({ flags = {}, stray = [], environment = {}, file, files = {} }: Given) {
  const texts: Readonly<Record<string, string>> = { ...files, "app.yaml": file ?? "" };
  const sources: ConfigSources = {
    flags: new Map(Object.entries(flags)),
    strayArguments: stray,
    environment,
    configFile: file === undefined ? undefined : "app.yaml",
    readTextFile(path) {
      const found = texts[path];
      if (found === undefined) throw new Error(`no such file: ${path}`);
      return found;
    },
  };
  return loadConfig("backend", settings, sources, unused);
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
    key: "backend.db.password",
    value: "p",
    source: "variable APP_BACKEND_DB_PASSWORD_FILE",
    problem: "set this or APP_BACKEND_DB_PASSWORD, not both",
  }]);
});

Deno.test("loadConfig says which secret's file it cannot read", () => {
  const environment = { APP_BACKEND_DB_URL_FILE: "/nowhere" };
  assert.deepEqual(issuesOf({ environment }), [{
    key: "backend.db.url",
    value: "/nowhere",
    source: "variable APP_BACKEND_DB_URL_FILE",
    problem: "cannot read it: no such file: /nowhere",
  }]);
});

Deno.test("loadConfig has no file for what is no secret", () => {
  const [issue] = issuesOf({ environment: { APP_BACKEND_DB_HOST_FILE: "p" } });
  assert.equal(issue?.key, "APP_BACKEND_DB_HOST_FILE");
});

Deno.test("loadConfig reports everything that is wrong at once, with key, value and source", () => {
  const given: Given = {
    stray: ["--grcp-port=1"],
    flags: { "grpc-port": "65536" },
    environment: { APP_BACKEND_BATCH_WAIT: "soon", APP_BACKEND_DB_HOTS: "h" },
    file: "backend: { db: { host: ' ', hots: h, url: 'mysql://u:s3cret@h' } }\nfrontent: {}",
  };
  assert.throws(() => load(given), {
    message: [
      "Cannot start backend: bad configuration",
      "  --grcp-port (command line): no such flag; --help lists them",
      "  APP_BACKEND_DB_HOTS (environment): no such variable; --help lists them",
      "  backend.db.hots (file app.yaml): no such key; --help lists them",
      "  frontent (file app.yaml): no such key; --help lists them",
      '  backend.grpc_port = "65536" (flag --grpc-port): expected a port, 0 to 65535',
      '  backend.batch_wait = "soon" (variable APP_BACKEND_BATCH_WAIT): expected a duration such ' +
      "as 500ms, 5s or 1m30s, from 1ms to 1d",
      '  backend.db.host = " " (file app.yaml): expected some text',
      '  backend.db.url = "(withheld)" (file app.yaml): expected a URL: postgres://…',
    ].join("\n"),
  });
});

Deno.test("loadConfig shows no value that was meant for a misspelt flag", () => {
  const stray = ["--db-pasword=s3cret", "--db-pasword", "s3cret", "-x", "s3cret"];
  const message = issuesOf({ stray }).map((issue) => JSON.stringify(issue)).join("\n");
  assert(!message.includes("s3cret"), message);
  assert.deepEqual(issuesOf({ stray: ["stray"] }).map(({ key }) => key), ["stray"]);
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
  assert.deepEqual(issuesOf({ environment }).map(({ key }) => key), Object.keys(environment));
});

Deno.test("loadConfig takes an empty variable as given, which only a secret may be", () => {
  const environment = { APP_BACKEND_DB_PASSWORD: "", APP_BACKEND_DB_HOST: "" };
  assert.deepEqual(issuesOf({ environment }), [{
    key: "backend.db.host",
    value: "",
    source: "variable APP_BACKEND_DB_HOST",
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
    /\n {2}config = "missing.yaml" \(flag --config\): cannot read it: no such file$/,
  );
});
