import type { LaggingDevices } from "../store/devices/lagging_devices.ts";
import type { Job } from "./job.ts";

/** Well before it would hold no more. */
const intervalMs = 5_000;

/**
 * Keeps the mark that tells other backends of what this one has stored, whatever
 * else is under way: it has nothing to do with the session of the other jobs.
 */
export function writerMarkJob(lagging: Pick<LaggingDevices, "keepMark">): Job {
  return {
    name: "writer_mark",
    intervalMs,
    async run() {
      await lagging.keepMark();
      return "done";
    },
  };
}
