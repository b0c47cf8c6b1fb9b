import { getLogger } from "@logtape/logtape";
import type { Kysely } from "kysely";
import { Compactor } from "../../services/backend/jobs/compact_history.ts";
import type { Database } from "../../services/backend/store/database.ts";

const dayMs = 86_400_000;

/** Packs what is older than so many days, by this machine's clock unless another is given, by steps. */
export function compactor(
  db: Kysely<Database>,
  days = 1,
  nowMs: () => number = Date.now,
): Compactor {
  return new Compactor({
    db,
    afterMs: days * dayMs,
    nowMs,
    onPacked: () => {},
    log: getLogger("compaction-test"),
    lateAtOnce: true,
  });
}
