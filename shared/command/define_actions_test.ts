import assert from "node:assert/strict";
import { ConfigError } from "#shared/config/config_error.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import { optional, text, trueOrFalse, wholeNumber } from "#shared/config/setting_kinds.ts";
import { defineAction } from "./define_action.ts";
import { defineActions } from "./define_actions.ts";

const queue = optional(text({ doc: "only of this queue", default: "", placeholder: "queue" }));
const limit = wholeNumber({ doc: "letters, at most", default: 0, min: 0, max: 9 });

/** What ran last, and with which settings of its own section. */
let ran: readonly [string, unknown] | undefined;

const list = defineAction({
  name: "list",
  summary: "Prints them.",
  sections: { log: logSettings, letters: { queue, limit } },
  run: ({ letters }) => record("list", letters),
});
const show = defineAction({
  name: "show",
  summary: "Prints one.",
  sections: { log: logSettings, letters: { queue } },
  run: ({ letters }) => record("show", letters),
});
const drop = defineAction({
  name: "drop",
  summary: "Removes them.",
  sections: {
    log: logSettings,
    letters: {
      queue,
      limit,
      yes: trueOrFalse({ doc: "drop all", default: false }),
      keep_copy: trueOrFalse({ doc: "keep a copy", default: true }),
    },
  },
  run: ({ letters }) => record("drop", letters),
});
const letters = defineActions({
  name: "letters",
  summary: "Works on letters.",
  task: true,
  actions: [list, show, drop],
  unused: {},
});

function record(action: string, settings: unknown): Promise<void> {
  ran = [action, settings];
  return Promise.resolve();
}

/** The action that the words run, and its settings. */
async function run(words: string) {
  ran = undefined;
  await letters.build().parseAsync(words.split(" ").filter(Boolean), { from: "user" });
  return ran;
}

/** What is wrong with the words, a line each, of which none runs anything. */
async function refusals(words: string): Promise<readonly string[]> {
  const error = await run(words).then(() => undefined, (error: unknown) => error);
  assert(error instanceof ConfigError, `${words}: ${error}`);
  assert.equal(ran, undefined);
  return error.message.split("\n").slice(1).map((line) => line.trim());
}

Deno.test("defineActions runs the action that is named, and the first where none is", async () => {
  assert.deepEqual(await run(""), ["list", { queue: undefined, limit: 0 }]);
  assert.deepEqual(await run("list --limit=3"), ["list", { queue: undefined, limit: 3 }]);
  assert.deepEqual(await run("--limit 3"), ["list", { queue: undefined, limit: 3 }]);
  assert.deepEqual(await run("show"), ["show", { queue: undefined }]);
});

Deno.test("defineActions takes settings before the action as well as after it", async () => {
  const settings = { queue: "q", limit: 3, yes: true, keepCopy: true };
  for (
    const words of [
      "drop --queue q --limit=3 --yes",
      "--queue q --limit=3 --yes drop",
      "--queue=q drop --yes --limit 3",
      "--yes true drop --queue q --limit 3",
      // The last of two holds, wherever they stand.
      "--limit 1 --queue q --yes drop --limit 3",
    ]
  ) assert.deepEqual(await run(words), ["drop", settings], words);
  assert.deepEqual(await run("--queue drop list"), ["list", { queue: "drop", limit: 0 }]);
});

Deno.test("A boolean flag stands alone, has a value, or begins with --no-", async () => {
  for (
    const [words, yes, keepCopy] of [
      ["", false, true],
      ["--yes", true, true],
      ["--yes=true", true, true],
      ["--yes true", true, true],
      ["--yes=false", false, true],
      ["--yes false", false, true],
      ["--no-yes", false, true],
      ["--yes --no-yes", false, true],
      ["--no-keep-copy", false, false],
      ["--keep-copy=false", false, false],
      ["--keep-copy false", false, false],
      ["--keep-copy", false, true],
      ["--no-keep-copy --yes", true, false],
    ] as const
  ) {
    const settings = { queue: undefined, limit: 0, yes, keepCopy };
    assert.deepEqual(await run(`drop ${words}`), ["drop", settings], words);
    assert.deepEqual(await run(`${words} drop`), ["drop", settings], words);
  }
  assert.deepEqual(await refusals("drop --yes maybe"), [
    '--yes = "maybe" (letters.yes): expected true or false',
  ]);
  assert.deepEqual(await refusals("drop --yes="), [
    '--yes = "" (letters.yes): expected true or false',
  ]);
  assert.deepEqual(await refusals("drop --no-yes=true"), [
    "--no-yes: it takes no value",
  ]);
});

Deno.test("An action refuses the flags that only others use, and says which these are", async () => {
  assert.deepEqual(await refusals("show --limit 3"), [
    "--limit: letters show does not use it; list and drop do",
  ]);
  assert.deepEqual(await refusals("--yes"), ["--yes: letters list does not use it; drop does"]);
  assert.deepEqual(await refusals("show --quue x --no-keep-copy --queue= --yes true"), [
    "--quue: no such flag; did you mean --queue? --help lists them",
    "--yes: letters show does not use it; drop does",
    "--no-keep-copy: letters show does not use it; drop does",
    '--queue = "" (letters.queue): expected some text',
  ]);
});

Deno.test("defineActions runs nothing for a word that is no action", async () => {
  const noAction = "lits: no such action; did you mean list? --help lists them";
  assert.deepEqual(await refusals("lits"), [noAction]);
  assert.deepEqual(await refusals("--queue q lits"), [noAction]);
  assert.deepEqual(await refusals("lits --queue q"), [noAction]);
  const notExpected = "not expected here; --help says what is";
  assert.deepEqual(await refusals("list drop"), [`drop: ${notExpected}`]);
  assert.deepEqual(await refusals("--bogus=1 drop"), [
    "--bogus: no such flag; --help lists them",
    `drop: ${notExpected}`,
  ]);
  // What follows an unknown flag may be its value, a secret.
  assert.deepEqual(await refusals("--bogus drop"), ["--bogus: no such flag; --help lists them"]);
});

Deno.test("--help of an action documents what it uses, that of the whole its actions", () => {
  const command = letters.build();
  const helpOf = (name: string) =>
    command.commands.find((each) => each.name() === name)!.helpInformation();
  const flagsOf = (name: string) =>
    [...helpOf(name).matchAll(/^ {2}(?:-h, )?--([a-z-]+)/gm)].map(([, flag]) => flag);
  const common = ["config", "log-level", "log-format"];
  assert.deepEqual(flagsOf("show"), ["version", ...common, "queue", "help"]);
  assert.deepEqual(flagsOf("drop"), [
    "version",
    ...common,
    "queue",
    "limit",
    "yes",
    "keep-copy",
    "help",
  ]);
  const drop = helpOf("drop").replace(/\s+/g, " ");
  const names = "env: APP_LETTERS_KEEP_COPY, file: letters.keep_copy";
  const doc = `keep a copy (default: true, off: --no-keep-copy, ${names})`;
  assert(drop.includes(`--keep-copy [true|false] ${doc}`), drop);
  assert.match(drop, /^Usage: letters drop \[options\] Removes them\. /);
  const whole = command.helpInformation();
  assert.match(whole, /^ +list \[options\] +Prints them\. \(the default\)$/m);
  assert.match(whole, /^ +drop \[options\] +Removes them\.$/m);
  assert.doesNotMatch(whole, /--(queue|yes|no-yes|config)/);
});

Deno.test("defineActions hands on what an action takes beside its settings, and refuses it elsewhere", async () => {
  let read: readonly string[] | undefined;
  const files = defineActions({
    name: "files",
    summary: "Works on files.",
    task: true,
    actions: [
      list,
      defineAction({
        name: "read",
        summary: "Reads them.",
        sections: { log: logSettings, letters: { queue } },
        operands: { name: "file", doc: "what to read" },
        run(_config, _context, operands) {
          read = operands;
          return Promise.resolve();
        },
      }),
    ],
    unused: {},
  });
  const run = (...words: readonly string[]) =>
    files.build().parseAsync([...words], { from: "user" });
  await run("read", "a.txt", "--queue", "q", "b c.txt");
  assert.deepEqual(read, ["a.txt", "b c.txt"]);
  await run("read");
  assert.deepEqual(read, []);
  await assert.rejects(run("list", "a.txt"), ConfigError);
  await assert.rejects(run("read", "a.txt", "--quue=q"), ConfigError);
  const below = files.build().commands.find((command) => command.name() === "read")!;
  assert.match(below.helpInformation(), /^Usage: files read \[options\] \[file\.\.\.\]$/m);
});
