import type { Contender } from "./contender.ts";
import { type Drain, drain } from "./drain.ts";
import { fillQueue } from "./fill_queue.ts";
import { say, whole } from "./output.ts";
import { checkpoint, resetTables, type Site } from "./site.ts";
import { presentSeconds, turnsOf, type Workload } from "./workload.ts";

/** One drain of a queue that holds readings of the present, into tables that hold only the devices. */
export async function freshDrain(
  site: Site,
  contender: Contender,
  workload: Omit<Workload, "fromSeconds">,
): Promise<Drain> {
  await resetTables(site, workload.devices);
  const fromSeconds = presentSeconds(turnsOf(workload));
  return await filledDrain(site, contender, { ...workload, fromSeconds });
}

/** One drain of a queue that holds the workload, into the tables as they are. */
export async function filledDrain(
  site: Site,
  contender: Contender,
  workload: Workload,
): Promise<Drain> {
  await fillQueue(site, workload);
  await checkpoint(site);
  const measured = await drain(site, contender, workload);
  const micros = Object.entries(measured.cpuMicros).map(([name, us]) =>
    `${name} ${us?.toFixed(1)}`
  );
  say(
    `${contender.name}: ${whole(measured.readingsPerSecond)} readings/s; µs: ${micros.join(", ")}`,
  );
  return measured;
}
