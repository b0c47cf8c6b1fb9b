import { Gauge, type Registry } from "prom-client";
import type { RollUpOptions } from "./roll_up.ts";

/** Shows how far rollups are. */
export function showRollups(registry: Registry): RollUpOptions["onTurn"] {
  const registers = [registry];
  const rolledUntil = new Gauge({
    name: "rollups_rolled_until_timestamp_seconds",
    help: "Readings of before it are rolled up, but for marked hours; Unix seconds.",
    registers,
  });
  const behind = new Gauge({
    name: "rollups_behind_seconds",
    help: "Time of which the readings should be rolled up by now, and are not.",
    registers,
  });
  const marks = new Gauge({
    name: "rollups_marks",
    help: "Marks of hours that readings came late to, to be rolled up again; 100,000 at most.",
    registers,
  });
  return (state) => {
    rolledUntil.set(state.rolledUntilMicros / 1_000_000);
    behind.set(Math.max(0, state.dueMicros - state.rolledUntilMicros) / 1_000_000);
    marks.set(state.marks);
  };
}
