import { type ExpressionBuilder, type Kysely, sql } from "kysely";
import { measures } from "#shared/telemetry/measures.ts";
import type { ReadingPosition } from "../../readings/reading_row.ts";
import type { TenantId } from "../../readings/tenant.ts";
import { textArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import { packedRow, type PackedRows } from "./packed_rows.ts";
import { scan } from "./scan.ts";
import { past, type Span, within } from "./span.ts";

/** The last row of a page, after which the next one starts. */
export interface RowPosition extends ReadingPosition {
  readonly parked: boolean;
}

export interface RunPage {
  readonly deviceIds: readonly string[];
  readonly span: Span;
  readonly after?: RowPosition;
  /** Rows of each device, at most. */
  readonly limit: number;
}

interface Wanted {
  readonly wanted: Pick<Database["iot_devices"], "device_id">;
}

const inPlace = {
  sensor_readings: sql<Uint8Array>`'\\x00'::bytea`.as("parked"),
  parked_readings: sql<Uint8Array>`'\\x01'::bytea`.as("parked"),
};

/**
 * What is stored, and parked, of each of the devices within the span: at most
 * `limit` rows of each, after `after` if given. The arrays are in the order of
 * `deviceIds`. One statement, so that a reading that is being released is seen
 * in one of its places: a snapshot holds both (on Citus, that of their shard).
 */
export async function pageRun(
  db: Kysely<Database>,
  tenantId: TenantId,
  page: RunPage,
): Promise<readonly PackedRows[]> {
  const { deviceIds } = page;
  const rows = await scan(
    db,
    (db) =>
      db.selectFrom(wanted(db, tenantId, page).as("wanted"))
        .crossJoinLateral((eb) => packed(eb, tenantId, page).as("packed"))
        .select(["wanted.device_id", "packed.rows"]).execute(),
  );
  const rowsOf = new Map(rows.map(({ device_id, rows }) => [device_id, rows]));
  return deviceIds.map((id) => rowsOf.get(id) ?? new Uint8Array());
}

/**
 * Those of the devices that may have rows. From tables, of which Citus knows
 * where the rows are; a single one is told by itself, so that a page of it
 * neither looks at what is parked twice nor asks any other shard.
 */
function wanted(db: Kysely<Database>, tenantId: TenantId, { deviceIds, span }: RunPage) {
  const [only, ...others] = deviceIds;
  if (only !== undefined && others.length === 0) {
    return db.selectNoFrom(sql<string>`${only}::text`.as("device_id"));
  }
  const isWanted = sql<boolean>`device_id = any (${textArray(deviceIds)}::text[])`;
  return db.selectFrom("iot_devices").select("device_id")
    .where("tenant_id", "=", tenantId).where(isWanted)
    .union(
      db.selectFrom("parked_readings").select("device_id")
        .where("tenant_id", "=", tenantId).where(isWanted).where(within(span)),
    );
}

/** The page of the device `wanted`, as one row. */
function packed(
  eb: ExpressionBuilder<Database & Wanted, "wanted">,
  tenantId: TenantId,
  page: RunPage,
) {
  const stored = rowsIn(eb, "sensor_readings", tenantId, page);
  const parked = rowsIn(eb, "parked_readings", tenantId, page);
  const both = eb.selectFrom(stored.as("stored")).selectAll()
    .unionAll(eb.selectFrom(parked.as("parked")).selectAll());
  const rows = eb.selectFrom(both.as("both_places")).selectAll()
    .orderBy("timestamp").orderBy("tie_break").orderBy("parked").limit(page.limit);
  return eb.selectFrom(rows.as("page")).select(({ fn }) =>
    fn.agg<Uint8Array | null>("string_agg", [packedRow, sql`''::bytea`])
      .orderBy("timestamp").orderBy("tie_break").orderBy("parked").as("rows")
  );
}

function rowsIn(
  eb: ExpressionBuilder<Database & Wanted, "wanted">,
  table: keyof typeof inPlace,
  tenantId: TenantId,
  { span, after, limit }: RunPage,
) {
  const query = eb.selectFrom(table)
    .select(["timestamp", "tie_break", inPlace[table]])
    .select(measures.map(({ column }) => column))
    .where("tenant_id", "=", tenantId).whereRef("device_id", "=", "wanted.device_id")
    .where(within(span)).orderBy("timestamp").orderBy("tie_break").limit(limit);
  if (after === undefined) return query;
  // Of two with one key, the stored one comes first.
  const parkedBeside = table === "parked_readings" && !after.parked;
  return query.where(past(parkedBeside ? ">=" : ">", after));
}
