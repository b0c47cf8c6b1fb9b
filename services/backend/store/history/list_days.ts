import { type Kysely, sql } from "kysely";
import type { Database } from "../database.ts";
import type { CompactedDay } from "./compacted_days.ts";

export interface ListedDay extends CompactedDay {
  readonly compactedAtMs: number;
  /** Whether its readings are rows again. */
  readonly expanded: boolean;
}

/** Days that were packed, by day from after `after`. */
export async function listDays(
  db: Kysely<Database>,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<readonly ListedDay[]> {
  return await db.selectFrom("compacted_days")
    .select([
      sql<string>`day::text`.as("day"),
      sql<number>`readings::float8`.as("readings"),
      sql<number>`row_bytes::float8`.as("rowBytes"),
      sql<number>`packed_bytes::float8`.as("packedBytes"),
      sql<number>`floor(extract(epoch from compacted_at) * 1000)::float8`.as("compactedAtMs"),
      "expanded",
    ])
    .where("day", ">", sql<string>`${after}::date`)
    .orderBy("day")
    .limit(limit)
    .execute();
}

/** Has days be packed again that a person wanted as rows: those before `before`, or all. */
export async function packAgain(
  db: Kysely<Database>,
  before = "infinity",
): Promise<readonly string[]> {
  const days = await db.updateTable("compacted_days")
    .set({ expanded: false })
    .where("expanded", "=", true)
    .where("day", "<", sql<string>`${before}::date`)
    .returning(sql<string>`day::text`.as("day"))
    .execute();
  return days.map(({ day }) => day);
}
