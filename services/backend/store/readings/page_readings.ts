import { type Expression, type Kysely, sql, type SqlBool } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import { readingRowAt } from "../../history/reading_row_at.ts";
import { unpackReadings } from "../../history/unpack_readings.ts";
import { isNewer, type ReadingPosition } from "../../readings/reading_row.ts";
import type { Database } from "../database.ts";
import { dayMicros, dayOf } from "../partitions/days.ts";
import { instant } from "../rows/instant.ts";
import { measureColumnNames } from "../rows/measure_columns.ts";
import { place, placedColumns, type PlacedReading, readingOf } from "../rows/placed_reading.ts";

export interface ReadingPage {
  readonly deviceId: string;
  /** The newest one is before it. */
  readonly before: ReadingPosition | undefined;
  readonly limit: number;
}

/**
 * How far back is looked, one stretch after the other, until there are enough:
 * most devices have them in the first, which touches a few partitions; the last
 * one is all the rest.
 */
const stretchDays = [1, 7, 31, 366, Infinity];
/** A moment past every instant that is accepted. */
const endOfTime = Date.UTC(9999, 0) * 1_000;

/** A device's readings, newest first, in whatever form they are: from after `before` if given. */
export async function pageReadings(
  db: Kysely<Database>,
  tenantId: TenantId,
  { deviceId, before, limit }: ReadingPage,
): Promise<readonly PlacedReading[]> {
  const found: PlacedReading[] = [];
  let untilMicros = before === undefined ? endOfTime : before.micros + 1;
  let fromMicros = before?.micros ?? Date.now() * 1_000;
  for (const days of stretchDays) {
    fromMicros -= days * dayMicros;
    const wanted = { deviceId, before, limit: limit - found.length };
    found.push(...await readStretch(db, tenantId, { ...wanted, fromMicros, untilMicros }));
    if (found.length >= limit) break;
    untilMicros = fromMicros;
  }
  return found;
}

interface Stretch extends ReadingPage {
  /** -Infinity, for all that is before. */
  readonly fromMicros: number;
  readonly untilMicros: number;
}

/** By one statement, so that what is packed meanwhile is seen in one of its forms. */
async function readStretch(
  db: Kysely<Database>,
  tenantId: TenantId,
  stretch: Stretch,
): Promise<readonly PlacedReading[]> {
  const rows = await rowsOf(db, "sensor_readings", tenantId, stretch)
    .unionAll(rowsOf(db, "closed_readings", tenantId, stretch))
    .unionAll(chunksOf(db, tenantId, stretch))
    .execute();
  return rows.flatMap((row) => row.packed === null ? place(row) : unpack(row.packed, stretch))
    .sort((a, b) => isNewer(a.position, b.position) ? -1 : 1)
    .slice(0, stretch.limit);
}

/** Those of a table. */
function rowsOf(
  db: Kysely<Database>,
  table: "sensor_readings" | "closed_readings",
  tenantId: TenantId,
  stretch: Stretch,
) {
  const { deviceId, before, limit } = stretch;
  const rows = db.selectFrom(table)
    .select(placedColumns)
    .select(sql<Uint8Array | null>`null::bytea`.as("packed"))
    .where("tenant_id", "=", tenantId)
    .where("device_id", "=", deviceId)
    // Says more than the next one, of which partitions these are in.
    .where(within("timestamp", stretch))
    .$if(before !== undefined, (query) =>
      query.where((is) =>
        is(
          is.refTuple("timestamp", "tie_break"),
          "<",
          is.tuple(instant(before!.micros), sql<string>`${String(before!.tieBreak)}::bigint`),
        )
      ))
    .orderBy("timestamp", "desc").orderBy("tie_break", "desc")
    .limit(limit);
  return db.selectFrom(rows.as("stored")).selectAll();
}

/** As few as have enough, whichever of their readings are of the page. */
function chunksOf(db: Kysely<Database>, tenantId: TenantId, stretch: Stretch) {
  const { deviceId, before, fromMicros, untilMicros, limit } = stretch;
  // All readings of a chunk that ends before that are of the page.
  const wholeBefore = Math.min(untilMicros, before?.micros ?? untilMicros);
  const chunks = db.selectFrom("sensor_history")
    .select(["device_id", "packed"])
    .select(
      sql<number>`
        coalesce(
          sum(readings) filter (where last_at < ${instant(wholeBefore)})
            over (order by first_at desc rows between unbounded preceding and 1 preceding),
          0
        )`.as("newer"),
    )
    .where("tenant_id", "=", tenantId)
    .where("device_id", "=", deviceId)
    // One that begins before the stretch may reach into it: no further than its day.
    .where(within("first_at", { fromMicros: dayOf(fromMicros), untilMicros }))
    .orderBy("first_at", "desc")
    // One that begins at the instant of `before` may have none before it.
    .limit(limit + 1);
  return db.selectFrom(chunks.as("chunk"))
    .select([
      "device_id",
      sql<string>`null::text`.as("micros"),
      sql<string>`null::text`.as("tie"),
      ...measureColumnNames.map((column) => sql<number>`null::float8`.as(column)),
      "packed",
    ])
    .where("newer", "<", limit);
}

function within(
  column: "timestamp" | "first_at",
  { fromMicros, untilMicros }: Pick<Stretch, "fromMicros" | "untilMicros">,
): Expression<SqlBool> {
  const until = sql<SqlBool>`${sql.ref(column)} < ${instant(untilMicros)}`;
  return fromMicros === -Infinity
    ? until
    : sql<SqlBool>`${sql.ref(column)} >= ${instant(fromMicros)} and ${until}`;
}

/** The readings of a chunk that are of the stretch, the newest ones that the page takes. */
function unpack(packed: Uint8Array, stretch: Stretch): readonly PlacedReading[] {
  const { deviceId, before, fromMicros, untilMicros, limit } = stretch;
  const columns = unpackReadings(packed);
  const found: PlacedReading[] = [];
  for (let at = columns.count - 1; at >= 0 && found.length < limit; at--) {
    const micros = columns.micros[at]!;
    if (micros >= untilMicros) continue;
    if (micros < fromMicros) break;
    const row = readingRowAt(columns, deviceId, at);
    if (before === undefined || isNewer(before, row)) found.push(readingOf(row));
  }
  return found;
}
