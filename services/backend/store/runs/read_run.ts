import { type AliasableExpression, type ExpressionBuilder, type Kysely, sql } from "kysely";
import { measures } from "#shared/telemetry/measures.ts";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { ReadingPosition } from "../../readings/reading_row.ts";
import { textArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import { historyOf, joinHistory } from "./packed_history.ts";
import { packedRow, type PackedRows } from "./packed_rows.ts";
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

/** A device that is to be read. */
export type Wanted = Pick<Database["iot_devices"], "device_id">;

/** What tells a row's place, in `packedRow`. */
const inPlace = {
  sensor_readings: sql<Uint8Array>`'\\x00'::bytea`.as("parked"),
  closed_readings: sql<Uint8Array>`'\\x00'::bytea`.as("parked"),
  parked_readings: sql<Uint8Array>`'\\x01'::bytea`.as("parked"),
};

/**
 * What is stored, in whatever form, and parked, of each of the devices within the
 * span: at most `limit` readings of each, after `after` if given. The arrays are in
 * the order of `deviceIds`. A device is read by one statement, so that a reading
 * that is being released or packed is seen in one of its places: a snapshot holds
 * both (on Citus, that of their shard).
 */
export async function pageRun(
  db: Kysely<Database>,
  tenantId: TenantId,
  page: RunPage,
): Promise<readonly PackedRows[]> {
  const { deviceIds, span } = page;
  const rowsOf = new Map<string, PackedRows>();
  const read = async (wanted: AliasableExpression<Wanted>) => {
    const pages = await db.selectFrom(wanted.as("wanted"))
      .crossJoinLateral((eb) => packed(eb, tenantId, page).as("packed"))
      .crossJoinLateral((eb) => historyOf(eb, tenantId, page).as("history"))
      .select(["wanted.device_id", "packed.rows", "history.chunks"]).execute();
    for (const { device_id, rows, chunks } of pages) {
      rowsOf.set(device_id, joinHistory(rows ?? new Uint8Array(), chunks, page));
    }
  };
  const idsIn = (table: "iot_devices" | "parked_readings", ids: readonly string[]) =>
    db.selectFrom(table).select("device_id").where("tenant_id", "=", tenantId)
      .where(sql<boolean>`device_id = any (${textArray(ids)}::text[])`);

  const [first, ...others] = deviceIds;
  if (first !== undefined && others.length === 0) {
    await read(db.selectNoFrom(sql<string>`${first}::text`.as("device_id")));
  } else {
    // Not from the ids themselves: only of a table does Citus know which rows lie beside which.
    await read(idsIn("iot_devices", deviceIds));
    const unknown = deviceIds.filter((id) => !rowsOf.has(id));
    if (unknown.length > 0) {
      // Registered by now, maybe, and what was parked is stored.
      const parked = idsIn("parked_readings", unknown).where(within(span));
      await read(idsIn("iot_devices", unknown).union(parked));
    }
  }
  return deviceIds.map((id) => rowsOf.get(id) ?? new Uint8Array());
}

/** The page of the device `wanted`, as one row. */
function packed(
  eb: ExpressionBuilder<Database & { wanted: Wanted }, "wanted">,
  tenantId: TenantId,
  page: RunPage,
) {
  const stored = rowsIn(eb, "sensor_readings", tenantId, page);
  const closed = rowsIn(eb, "closed_readings", tenantId, page);
  const parked = rowsIn(eb, "parked_readings", tenantId, page);
  const all = eb.selectFrom(stored.as("stored")).selectAll()
    .unionAll(eb.selectFrom(closed.as("closed")).selectAll())
    .unionAll(eb.selectFrom(parked.as("parked")).selectAll());
  const rows = eb.selectFrom(all.as("all_places")).selectAll()
    .orderBy("timestamp").orderBy("tie_break").orderBy("parked").limit(page.limit);
  // An aggregate takes a sorted subquery in its order; to sort again would cost a tenth of it all.
  return eb.selectFrom(rows.as("page")).select(({ fn }) =>
    fn.agg<Uint8Array | null>("string_agg", [packedRow, sql`''::bytea`]).as("rows")
  );
}

function rowsIn(
  eb: ExpressionBuilder<Database & { wanted: Wanted }, "wanted">,
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
