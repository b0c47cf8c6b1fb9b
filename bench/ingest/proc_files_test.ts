import assert from "node:assert/strict";
import { listeningInodes, parsePeakBytes, parseStat, treeTicks } from "./proc_files.ts";

Deno.test("parseStat adds up own and waited-for children's time, whatever the name holds", () => {
  const line = "27665 (postgres: a) (b) S 2134 27665 27665 0 -1 4194304 900 80 1 2 " +
    "100 20 3 4 20 0 1 0 445000 226426880 5601 18446744073709551615 1 1 0 0\n";
  assert.deepEqual(parseStat(line), { parent: 2134, cpuTicks: 127 });
  assert.throws(() => parseStat("no such thing"), /not a \/proc stat file/);
});

Deno.test("parsePeakBytes reads the high-water mark in bytes", () => {
  const status = "Name:\tdeno\nVmPeak:\t  900 kB\nVmHWM:\t  153600 kB\nVmRSS:\t  100 kB\n";
  assert.equal(parsePeakBytes(status), 153_600 * 1_024);
  assert.equal(parsePeakBytes("Name:\tkthreadd\n"), undefined);
});

Deno.test("listeningInodes passes over connections of the port and listeners of others", () => {
  const table = [
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
    "   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   104        0 11111 1",
    "   1: 0100007F:1538 0100007F:9C40 01 00000000:00000000 00:00000000 00000000   104        0 22222 1",
    "   2: 0100007F:1628 00000000:0000 0A 00000000:00000000 00:00000000 00000000   105        0 33333 1",
  ].join("\n");
  assert.deepEqual(listeningInodes(table, 5432), ["11111"]);
  assert.deepEqual(listeningInodes(table, 5672), ["33333"]);
  assert.deepEqual(listeningInodes(table, 80), []);
});

Deno.test("treeTicks counts a process and all below it, and no other", () => {
  const processes = new Map([
    [1, { parent: 0, cpuTicks: 1_000 }],
    [10, { parent: 1, cpuTicks: 1 }],
    [11, { parent: 10, cpuTicks: 20 }],
    [12, { parent: 11, cpuTicks: 300 }],
    [20, { parent: 1, cpuTicks: 4_000 }],
  ]);
  assert.equal(treeTicks(10, processes), 321);
  assert.equal(treeTicks(99, processes), 0);
});
