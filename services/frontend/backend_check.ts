import type { IotClient } from "./backend_client.ts";

/** How long an answer holds, in milliseconds: however many ask, the backend is asked once a second. */
const holdsMs = 1_000;

/** Whether the backend answers; those who ask while it is being asked share the answer. */
export function backendCheck(
  iot: Pick<IotClient, "getAllDevice">,
  now: () => number,
): () => Promise<boolean> {
  let latest: Promise<boolean> | undefined;
  let askedMs = -Infinity;
  let settled = true;
  return () => {
    if (latest === undefined || (settled && Math.abs(now() - askedMs) >= holdsMs)) {
      askedMs = now();
      settled = false;
      latest = iot.getAllDevice({ pageSize: 1 }).then(() => true, () => false)
        .finally(() => settled = true);
    }
    return latest;
  };
}
