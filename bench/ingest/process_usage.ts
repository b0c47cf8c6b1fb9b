import {
  listeningInodes,
  parsePeakBytes,
  parseStat,
  type ProcessStat,
  treeTicks,
} from "./proc_files.ts";

/** CPU and memory of processes, by /proc: on Linux alone, and undefined elsewhere. */
export const measurable = Deno.build.os === "linux";

/** CPU time in seconds of each process with all below it, in one look; undefined for undefined. */
async function cpuSeconds<Name extends string>(
  roots: Readonly<Record<Name, number | undefined>>,
): Promise<Record<Name, number | undefined>> {
  const processes = measurable ? await allProcesses() : new Map();
  const perSecond = await ticksPerSecond();
  const seconds = Object.entries<number | undefined>(roots).map(([name, pid]) => [
    name,
    pid === undefined || !measurable ? undefined : treeTicks(pid, processes) / perSecond,
  ]);
  // The same names.
  return Object.fromEntries(seconds) as Record<Name, number | undefined>;
}

/** Counts from now on; the function that it returns says how many microseconds a reading. */
export async function countCpu<Name extends string>(
  roots: Readonly<Record<Name, number | undefined>>,
  readings: number,
): Promise<() => Promise<Readonly<Record<Name, number | undefined>>>> {
  const before = await cpuSeconds(roots);
  return async () => {
    const after = await cpuSeconds(roots);
    for (const name in roots) {
      const [from, to] = [before[name], after[name]];
      after[name] = from === undefined || to === undefined
        ? undefined
        : (to - from) * 1_000_000 / readings;
    }
    return after;
  };
}

export async function peakBytes(pid: number): Promise<number | undefined> {
  return measurable ? parsePeakBytes(await Deno.readTextFile(`/proc/${pid}/status`)) : undefined;
}

/**
 * The process that listens on a port of this machine; undefined where it is not
 * on this machine, in a container, or someone else's whose files cannot be read.
 */
export async function listenerPid(url: string): Promise<number | undefined> {
  const { hostname, port } = new URL(url);
  if (!measurable || !["127.0.0.1", "localhost", "[::1]"].includes(hostname)) return undefined;
  const inodes = new Set<string>();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const text = await Deno.readTextFile(table).catch(() => "");
    for (const inode of listeningInodes(text, Number(port))) inodes.add(`socket:[${inode}]`);
  }
  for (const pid of await pids()) {
    try {
      for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
        if (inodes.has(await Deno.readLink(`/proc/${pid}/fd/${name}`))) return pid;
      }
    } catch {
      // It has ended, or is not ours to look into.
    }
  }
  return undefined;
}

async function allProcesses(): Promise<ReadonlyMap<number, ProcessStat>> {
  const processes = new Map<number, ProcessStat>();
  for (const pid of await pids()) {
    try {
      processes.set(pid, parseStat(await Deno.readTextFile(`/proc/${pid}/stat`)));
    } catch {
      // It has ended since it was listed.
    }
  }
  return processes;
}

/** Ascending, so that of the processes which share a socket the first one, the parent, is found. */
async function pids(): Promise<readonly number[]> {
  const names = (await Array.fromAsync(Deno.readDir("/proc"))).map(({ name }) => Number(name));
  return names.filter(Number.isInteger).sort((a, b) => a - b);
}

let ticks: number | undefined;

async function ticksPerSecond(): Promise<number> {
  if (ticks !== undefined) return ticks;
  try {
    const { stdout } = await new Deno.Command("getconf", { args: ["CLK_TCK"] }).output();
    ticks = Number(new TextDecoder().decode(stdout)) || 100;
  } catch {
    ticks = 100;
  }
  return ticks;
}
