import { type ExpressionBuilder, type Kysely, sql } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { unpackInstants } from "../../history/unpack_instants.ts";
import type { ReadingPosition } from "../../readings/reading_row.ts";
import { textArray } from "../connection/binary_array.ts";
import type { Database } from "../database.ts";
import { dayOf } from "../partitions/days.ts";
import { instant } from "../rows/instant.ts";
import { eachChunk } from "./each_chunk.ts";
import { type OpenSpan, past, type Span, within } from "./span.ts";

/** How many readings a device has stored. */
export interface StoredCount {
  /** As rows; `limit` if there are as many or more. */
  readonly rows: number;
  readonly packed: number;
}

/** How many readings each of the devices has stored within the span, in the order of `deviceIds`. */
export async function countUpTo(
  db: Kysely<Database>,
  tenantId: TenantId,
  { deviceIds, span, limit }: {
    readonly deviceIds: readonly string[];
    readonly span: OpenSpan;
    readonly limit: number;
  },
): Promise<readonly StoredCount[]> {
  // From the devices, of which Citus knows where the rows are: what is stored has one.
  const rows = await db.selectFrom("iot_devices")
    .crossJoinLateral((eb) =>
      eb.selectFrom(
        rowsIn(eb, "sensor_readings", tenantId, span, limit)
          .unionAll(rowsIn(eb, "closed_readings", tenantId, span, limit))
          .limit(limit).as("found"),
      ).select(({ cast, fn }) => cast<number>(fn.countAll(), "integer").as("count")).as("counted")
    )
    .crossJoinLateral((eb) => countedHistory(eb, tenantId, span).as("history"))
    .select(["device_id", "count", "packed", "edges"])
    .where("tenant_id", "=", tenantId)
    .where(sql<boolean>`device_id = any (${textArray(deviceIds)}::text[])`)
    .execute();
  const countOf = new Map(rows.map(({ device_id, count, packed, edges }) => [
    device_id,
    { rows: count, packed: packed + countEdges(edges, span) },
  ]));
  return deviceIds.map((id) => countOf.get(id) ?? { rows: 0, packed: 0 });
}

function rowsIn(
  eb: ExpressionBuilder<Database, "iot_devices">,
  table: "sensor_readings" | "closed_readings",
  tenantId: TenantId,
  span: OpenSpan,
  limit: number,
) {
  const rows = eb.selectFrom(table).select("tie_break")
    .where(`${table}.tenant_id`, "=", tenantId)
    .whereRef(`${table}.device_id`, "=", "iot_devices.device_id")
    .where(within(span)).limit(limit);
  return eb.selectFrom(rows.as("rows")).selectAll();
}

/** Of chunks that are within the span as a whole how many readings they have, and those at its ends. */
function countedHistory(
  eb: ExpressionBuilder<Database, "iot_devices">,
  tenantId: TenantId,
  { fromMicros = -Infinity, untilMicros = Infinity }: OpenSpan,
) {
  const [from, until] = [boundary(fromMicros), boundary(untilMicros)];
  return eb.selectFrom("sensor_history as h")
    .select([
      sql<number>`
        coalesce(sum(readings) filter (where h.first_at >= ${from} and h.last_at < ${until}), 0)
          ::float8`.as("packed"),
      sql<Uint8Array | null>`
        string_agg(int4send(length(h.packed)) || h.packed, ''::bytea)
          filter (where h.first_at < ${from} or h.last_at >= ${until})`.as("edges"),
    ])
    .where("h.tenant_id", "=", tenantId)
    .whereRef("h.device_id", "=", "iot_devices.device_id")
    .where("h.first_at", "<", until).where("h.last_at", ">=", from)
    .where("h.first_at", ">=", boundary(dayOf(fromMicros)));
}

function boundary(micros: number) {
  if (micros === -Infinity) return sql<Date>`'-infinity'::timestamptz`;
  return micros === Infinity ? sql<Date>`'infinity'::timestamptz` : instant(micros);
}

function countEdges(
  chunks: Uint8Array | null,
  { fromMicros = -Infinity, untilMicros = Infinity }: OpenSpan,
): number {
  let count = 0;
  for (const packed of chunks === null ? [] : eachChunk(chunks)) {
    for (const micros of unpackInstants(packed)) {
      if (micros >= fromMicros && micros < untilMicros) count++;
    }
  }
  return count;
}

/**
 * Counts up to `limit` rows that a device has stored within the span, from
 * after the one at `after`. `last` is where to go on, and undefined at the end.
 */
export async function countPage(
  db: Kysely<Database>,
  tenantId: TenantId,
  { deviceId, span, after, limit }: {
    readonly deviceId: string;
    readonly span: OpenSpan;
    readonly after: ReadingPosition | undefined;
    readonly limit: number;
  },
): Promise<{ readonly count: number; readonly last: ReadingPosition | undefined }> {
  const rowsIn = (table: "sensor_readings" | "closed_readings") => {
    const rows = db.selectFrom(table).select(["timestamp", "tie_break"])
      .where("tenant_id", "=", tenantId).where("device_id", "=", deviceId)
      .where(within(span))
      .$if(after !== undefined, (query) => query.where(past(">", after!)))
      .orderBy("timestamp").orderBy("tie_break").limit(limit);
    return db.selectFrom(rows.as("rows")).selectAll();
  };
  const last = await db.selectFrom(
    rowsIn("sensor_readings").unionAll(rowsIn("closed_readings"))
      .orderBy("timestamp").orderBy("tie_break").limit(limit).as("page"),
  )
    .select(({ cast, fn }) => [
      cast<number>(fn.countAll().over(), "integer").as("count"),
      sql<number>`(extract(epoch from "timestamp") * 1000000)::float8`.as("micros"),
      // Text, since drivers differ in how they read a bigint.
      cast<string>("tie_break", "text").as("tie"),
    ])
    .orderBy("timestamp", "desc").orderBy("tie_break", "desc").limit(1)
    .executeTakeFirst();
  if (last === undefined) return { count: 0, last: undefined };
  const { count, micros, tie } = last;
  return { count, last: count < limit ? undefined : { micros, tieBreak: BigInt(tie) } };
}

/** Ids of registered devices, by id from after `after`. */
export async function pageDeviceIds(
  db: Kysely<Database>,
  tenantId: TenantId,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await db.selectFrom("iot_devices").select("device_id")
    .where("tenant_id", "=", tenantId).where("device_id", ">", after)
    .orderBy("device_id").limit(limit).execute();
  return rows.map(({ device_id }) => device_id);
}

/** What a device has parked. */
export interface ParkedCount {
  readonly deviceId: string;
  readonly all: number;
  readonly withinSpan: number;
}

/**
 * What each of up to `limit` devices has parked, by id from after `after`: of a
 * page's devices everything is counted, which is bounded by what may be parked.
 */
export async function pageParked(
  db: Kysely<Database>,
  tenantId: TenantId,
  { span, after, limit }: {
    readonly span: Span;
    readonly after: string;
    readonly limit: number;
  },
): Promise<readonly ParkedCount[]> {
  return await db.selectFrom("parked_readings")
    .select("device_id as deviceId")
    .select(({ cast, fn }) => [
      cast<number>(fn.countAll(), "float8").as("all"),
      cast<number>(fn.countAll().filterWhere(within(span)), "float8").as("withinSpan"),
    ])
    .where("tenant_id", "=", tenantId).where("device_id", ">", after)
    .groupBy("device_id").orderBy("device_id").limit(limit)
    .execute();
}
