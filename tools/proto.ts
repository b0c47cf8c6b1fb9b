/**
 * `proto.ts lint` checks the proto files; `proto.ts generate` writes their
 * TypeScript to `shared/gen`; `proto.ts fresh` fails if what is checked in
 * differs, by a byte, from what would be generated.
 *
 * buf and its plugin are pinned by `proto/deno.lock`, apart from the project's
 * own lock file, so that running a service never downloads them.
 */
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const generated = `${root}shared/gen`;

const tool = (name: string, ...args: string[]) => [
  Deno.execPath(),
  ...["run", "--quiet", "--config", `${root}proto/deno.json`, "--frozen", "-A", name, ...args],
];

async function run([command, ...args]: string[]): Promise<void> {
  const { code } = await new Deno.Command(command!, { args, cwd: `${root}proto` }).spawn().status;
  if (code !== 0) process.exit(code);
}

async function generate(out: string): Promise<void> {
  const template = {
    version: "v2",
    clean: true,
    plugins: [{
      local: tool("@bufbuild/protoc-gen-es"),
      out,
      opt: ["target=ts", "import_extension=ts"],
    }],
  };
  await run(tool("@bufbuild/buf", "generate", "--template", JSON.stringify(template)));
}

/** Every file below `folder`, by its path there. */
async function contents(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const pending = [""];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    for await (const entry of Deno.readDir(`${folder}/${path}`)) {
      const below = `${path}/${entry.name}`;
      if (entry.isDirectory) pending.push(below);
      else files.set(below, await Deno.readTextFile(`${folder}${below}`));
    }
  }
  return files;
}

async function fresh(): Promise<void> {
  const out = await Deno.makeTempDir();
  try {
    await generate(out);
    const [wanted, found] = [await contents(out), await contents(generated)];
    const stale = [...new Set([...wanted.keys(), ...found.keys()])]
      .filter((path) => wanted.get(path) !== found.get(path));
    if (stale.length > 0) {
      process.stderr.write(`Stale in shared/gen: ${stale.join(" ")}\nRun: deno task generate\n`);
      process.exitCode = 1;
    }
  } finally {
    await Deno.remove(out, { recursive: true });
  }
}

switch (Deno.args[0]) {
  case "lint":
    await run(tool("@bufbuild/buf", "lint"));
    break;
  case "generate":
    await generate(generated);
    break;
  case "fresh":
    await fresh();
    break;
  default:
    process.stderr.write("Usage: proto.ts lint | generate | fresh\n");
    process.exitCode = 2;
}
