import { type Kysely, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { Database } from "../database.ts";

export interface ParkedCounts {
  readonly readings: number;
  /** Those among them that the database refuses to move to where they belong. */
  readonly refused: number;
}

/** What is parked now. */
export async function countParked(
  db: Kysely<Database>,
  tenantId: TenantId,
): Promise<ParkedCounts> {
  return await db.selectFrom("parked_readings")
    .select(({ fn }) => [
      sql<number>`${fn.countAll()}::int`.as("readings"),
      sql<number>`${fn.count("refused")}::int`.as("refused"),
    ])
    .where("tenant_id", "=", tenantId)
    .executeTakeFirstOrThrow();
}
