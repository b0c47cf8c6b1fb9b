import { Gauge, Registry } from "prom-client";

/**
 * A registry with what every service reports of itself: start time, resident
 * and heap memory. (prom-client's own collectors of event-loop lag
 * and garbage collection give wrong or empty figures on Deno.)
 */
export function createRegistry(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  const startedSeconds = Date.now() / 1_000;
  new Gauge({
    name: "process_start_time_seconds",
    help: "When the process started, in Unix seconds.",
    registers: [registry],
    collect() {
      this.set(startedSeconds);
    },
  });
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory of the process.",
    registers: [registry],
    collect() {
      this.set(Deno.memoryUsage().rss);
    },
  });
  new Gauge({
    name: "process_heap_used_bytes",
    help: "JavaScript heap in use.",
    registers: [registry],
    collect() {
      this.set(Deno.memoryUsage().heapUsed);
    },
  });
  return registry;
}
