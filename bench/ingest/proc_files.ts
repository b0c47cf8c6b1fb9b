/** What /proc/<pid>/stat says of a process, in clock ticks where it is time. */
export interface ProcessStat {
  readonly parent: number;
  /** Its own, and that of its children that have ended and been waited for. */
  readonly cpuTicks: number;
}

/** @throws {Error} if it is no such file. */
export function parseStat(text: string): ProcessStat {
  // The name comes in parentheses, and may itself hold some, and spaces.
  const fields = text.slice(text.lastIndexOf(")") + 1).trim().split(/\s+/);
  const number = (at: number) => {
    const value = Number(fields[at]);
    if (!Number.isFinite(value)) throw new Error(`not a /proc stat file: ${text.slice(0, 80)}`);
    return value;
  };
  // proc(5) counts from 1, and the two before these are cut off: 14 to 17 are times.
  return { parent: number(1), cpuTicks: number(11) + number(12) + number(13) + number(14) };
}

/** Peak resident memory in bytes from /proc/<pid>/status; undefined if it has none. */
export function parsePeakBytes(status: string): number | undefined {
  return bytesOf("VmHWM", status);
}

/** As `parsePeakBytes`, resident memory of now. */
export function parseResidentBytes(status: string): number | undefined {
  return bytesOf("VmRSS", status);
}

function bytesOf(name: string, status: string): number | undefined {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status);
  return found === null ? undefined : Number(found[1]) * 1_024;
}

/** Inodes of the sockets that listen on `port`, from /proc/net/tcp or tcp6. */
export function listeningInodes(netTcp: string, port: number): readonly string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  const listening = "0A";
  return netTcp.split("\n").slice(1).map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(`:${wanted}`) && state === listening)
    .flatMap((fields) => fields[9] ?? []);
}

/** CPU of a process and all below it, in clock ticks; 0 for one that is not there. */
export function treeTicks(root: number, processes: ReadonlyMap<number, ProcessStat>): number {
  const children = new Map<number, number[]>();
  for (const [pid, { parent }] of processes) {
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [pid]);
    else siblings.push(pid);
  }
  let ticks = 0;
  const open = [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    ticks += processes.get(pid)?.cpuTicks ?? 0;
    open.push(...children.get(pid) ?? []);
  }
  return ticks;
}
