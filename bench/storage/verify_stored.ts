import type { Kysely } from "kysely";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import type { Database } from "../../services/backend/store/database.ts";
import { verifyRun } from "../../services/cli/verify/verify_run.ts";
import type { StoredRun } from "./stored_run.ts";

/** @throws {Error} if what is stored is not what the run has published. */
export async function verifyStored(
  db: Kysely<Database>,
  run: StoredRun,
  signal: AbortSignal,
): Promise<void> {
  const { readings: { matched } } = await verifyRun({
    db,
    tenantId: defaultTenant,
    manifest: run.manifest,
    untilUs: run.untilUs,
    signal,
    maxExamples: 1,
    onDifference(deviceId, { difference, micros }) {
      throw new Error(`${deviceId} has a reading at ${micros} that is ${difference}`);
    },
    onRollupDifference(deviceId, { difference, table, startMicros }) {
      throw new Error(`A bucket of ${deviceId} in ${table} at ${startMicros} is ${difference}`);
    },
    onDevice: () => {},
    onProgress: () => {},
  });
  if (matched !== run.readings) throw new Error(`${matched} of ${run.readings} readings matched`);
}
