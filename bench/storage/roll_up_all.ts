import type { Kysely } from "kysely";
import { sleep } from "#shared/lifecycle/sleep.ts";
import { rollUpJob, type RollupState } from "../../services/backend/jobs/roll_up.ts";
import type { Database } from "../../services/backend/store/database.ts";

/** Between two looks whether those who wrote before have ended. */
const pauseMs = 50;

/** Rolls up all that is due by now, as the job does. */
export async function rollUpAll(db: Kysely<Database>, signal: AbortSignal): Promise<void> {
  let state: RollupState | undefined;
  const job = rollUpJob({ db, nowMs: () => Date.now(), onTurn: (found) => state = found });
  for (;;) {
    while (await job.run(signal) === "more") signal.throwIfAborted();
    if (state !== undefined && state.rolledUntilMicros >= state.dueMicros && state.marks === 0) {
      return;
    }
    await sleep(pauseMs, signal);
    signal.throwIfAborted();
  }
}
