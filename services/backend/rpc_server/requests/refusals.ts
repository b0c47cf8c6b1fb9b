import { Counter, type Registry } from "prom-client";

/** Why the API turned a connection or a call away, or ended it. */
export const refusalReasons = [
  /** As many connections as may be, none of them idle. */
  "connections",
  /** An idle connection gave way to a new one. */
  "idle_connection",
  /** As many calls in hand as may be; or a call whose request did not come gave way. */
  "calls",
  /** A header list past its bounds. */
  "headers",
  /** A request that did not come whole in time. */
  "request_time",
  /** A request that did not come whole while requests took more memory than they may. */
  "request_bytes",
  /** Answers that clients did not read. */
  "unread",
] as const;

export type Refusal = typeof refusalReasons[number];
export type CountRefusal = (reason: Refusal) => void;

export function countRefusals(registry: Registry): CountRefusal {
  const refused = new Counter({
    name: "rpc_refused_total",
    help: "Connections and calls that the API turned away or ended to protect itself, by reason.",
    labelNames: ["reason"],
    registers: [registry],
  });
  for (const reason of refusalReasons) refused.inc({ reason }, 0);
  return (reason) => refused.inc({ reason });
}
