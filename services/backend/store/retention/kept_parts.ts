import type { Kysely } from "kysely";
import type { Database } from "../database.ts";
import {
  listPartitions,
  type Partition,
  type PartitionedTable,
} from "../partitions/list_partitions.ts";
import { relationSizes } from "./relation_sizes.ts";
import { type KeptKind, kindOf } from "./retention_policy.ts";

/** A partition that goes when its time has come. */
export interface KeptPart {
  readonly kind: KeptKind;
  readonly table: PartitionedTable;
  readonly partition: Partition;
  /** With its indexes. */
  readonly bytes: number;
}

/** Those of which the rest is needed go first: rollups of readings, before these. */
const tables: readonly PartitionedTable[] = [
  "rollups_minute",
  "rollups_hour",
  "rollups_day",
  "sensor_history",
  "closed_readings",
  "sensor_readings",
];

/** All partitions, by table, the oldest first. */
export async function keptParts(db: Kysely<Database>): Promise<readonly KeptPart[]> {
  const found: Omit<KeptPart, "bytes">[] = [];
  for (const table of tables) {
    for (const partition of await listPartitions(db, table)) {
      found.push({ kind: kindOf[table], table, partition });
    }
  }
  const sizes = await relationSizes(db, found.map(({ partition }) => partition.name));
  return found.map((part) => {
    const { tableBytes = 0, indexBytes = 0 } = sizes.get(part.partition.name) ?? {};
    return { ...part, bytes: tableBytes + indexBytes };
  });
}

/** Whether it takes all readings that are older than others, and is never dropped while it does. */
export function hasNoBeginning({ table, partition }: KeptPart): boolean {
  return table === "sensor_readings" && partition.fromMicros === -Infinity;
}
