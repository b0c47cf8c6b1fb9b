/**
 * `deno task bench:memory [--minutes=N] [--devices=N]`
 *
 * Memory of `dev`, by /proc, so on Linux alone: its first start, its next one,
 * and a curve under a load of so many readings a second, kept up so long.
 */
import { parseArgs } from "node:util";
import { sleep } from "#shared/lifecycle/sleep.ts";
import { startTask, type TaskProcess } from "../tests/support/task_process.ts";
import { markdownTable } from "./ingest/markdown_table.ts";
import { megabytes, orDash, print, say, whole } from "./ingest/output.ts";
import { parsePeakBytes, parseResidentBytes } from "./ingest/proc_files.ts";

const columns = ["", "minutes", "readings stored", "resident MB", "peak MB", "disk MB"];
const pointsOfCurve = 12;
const idleSeconds = 20;

interface Dev extends AsyncDisposable {
  /** What is measured now, as the cells of a row. */
  measure(name: string): Promise<readonly string[]>;
}

async function startDev(data: string, devices: number): Promise<Dev> {
  const task = startTask("dev", {
    grants: [`--allow-write=${data}`],
    args: [
      `--db-url=pglite://${data}/pglite`,
      ...["grpc", "http", "backend-metrics", "generator-metrics"].map((port) => `--${port}-port=0`),
      `--num-devices=${devices}`,
      ...(devices > 10 ? ["--interval=1s"] : []),
    ],
  });
  const [, metrics] = await task.printed(/Metrics +(\S+)/);
  const startedMs = performance.now();
  return {
    async measure(name) {
      const status = await Deno.readTextFile(`/proc/${task.pid}/status`);
      return [
        name,
        ((performance.now() - startedMs) / 60_000).toFixed(1),
        whole(await storedReadings(metrics!)),
        orDash(megabytes(parseResidentBytes(status)), 0),
        orDash(megabytes(parsePeakBytes(status)), 0),
        orDash(megabytes(await bytesBelow(data)), 0),
      ];
    },
    [Symbol.asyncDispose]: () => stopped(task),
  };
}

async function stopped(task: TaskProcess): Promise<void> {
  task.kill("SIGTERM");
  await task.ended;
}

async function storedReadings(metrics: string): Promise<number> {
  const text = await (await fetch(metrics)).text();
  const found = /^ingest_rows_stored_total\{[^}]*table="sensor_readings"[^}]*\} (\d+)$/m.exec(text);
  return Number(found?.[1] ?? 0);
}

/** What the files take on the disk, be they shorter or longer than that. */
async function bytesBelow(folder: string): Promise<number> {
  let bytes = 0;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    try {
      bytes += isDirectory ? await bytesBelow(path) : ((await Deno.stat(path)).blocks ?? 0) * 512;
    } catch (error) {
      // The server removes files as it goes.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return bytes;
}

const { values } = parseArgs({
  args: Deno.args,
  options: {
    minutes: { type: "string", default: "2" },
    devices: { type: "string", default: "2000" },
  },
});
const [minutes, devices] = [Number(values.minutes), Number(values.devices)];
if (!(minutes > 0 && devices > 0)) throw new TypeError("--minutes and --devices: numbers above 0");

const data = await Deno.makeTempDir({ prefix: "demo-app-memory-" });
const rows: (readonly string[])[] = [];
const note = (row: readonly string[]) => {
  say(columns.map((column, at) => `${column} ${row[at]}`.trim()).join(", "));
  rows.push(row);
};
try {
  for (const start of ["first start, 10 devices", "next start, 10 devices"]) {
    await using dev = await startDev(data, 10);
    await sleep(idleSeconds * 1_000);
    note(await dev.measure(start));
  }
  await using dev = await startDev(data, devices);
  for (let point = 1; point <= pointsOfCurve; point++) {
    await sleep(minutes * 60_000 / pointsOfCurve);
    note(await dev.measure(`${whole(devices)} readings/s`));
  }
} finally {
  await Deno.remove(data, { recursive: true });
}
print(markdownTable(columns, rows));
