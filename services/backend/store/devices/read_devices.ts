import { create } from "@bufbuild/protobuf";
import { type ExpressionBuilder, type Kysely, sql } from "kysely";
import { type IoTDevice, IoTDeviceSchema } from "#shared/gen/iot/v1/device_pb.ts";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { Database } from "../database.ts";
import { measureColumnNames } from "../rows/measure_columns.ts";
import { lastInstant, type LatestReading } from "../readings/read_readings.ts";
import { place, type ReadingQueryRow } from "../rows/placed_reading.ts";
import { describedColumns, type DescribedDevice } from "./described_columns.ts";

/** A device, and its newest reading, as its row tells them: these may be behind. */
export interface DeviceRow {
  readonly device: IoTDevice;
  readonly latest: LatestReading | undefined;
  /** Whether the row says of itself that it may be behind the readings. */
  readonly doubtful: boolean;
  /** Whether its newest reading is ahead of now, so that an older one may say when it was last seen. */
  readonly ahead: boolean;
}

export interface DeviceRows {
  readonly rows: readonly DeviceRow[];
  /** Whether others may have stored readings that the rows do not tell yet. */
  readonly othersLag: boolean;
}

// Of a reading that was ahead of now when it was noted, the time has come since.
const lastSeenSeconds = sql<number>`
  floor(extract(epoch from greatest(
    last_seen, case when latest_timestamp <= now() then latest_timestamp end
  )))::float8`;

/** Devices in the order of their ids, after `after` if given, at most `limit`. */
export async function pageDevices(
  db: Kysely<Database>,
  tenantId: TenantId,
  { after, limit, withLatest, own }: {
    readonly after: string | undefined;
    readonly limit: number;
    /** Whether their newest readings are wanted, too. */
    readonly withLatest: boolean;
    /** Marks of the caller's own writes, of which it knows: see `WriterMark`. */
    readonly own: readonly string[];
  },
): Promise<DeviceRows> {
  const rows = await db.selectFrom("iot_devices")
    .select(describedColumns)
    .select((row) => [
      lastSeenSeconds.as("last_seen_seconds"),
      sql<boolean>`latest_for is distinct from last_seen`.as("doubtful"),
      sql<boolean>`coalesce(latest_timestamp > now(), false)`.as("ahead"),
      row.exists(
        row.selectFrom("lagging_writers")
          .select("writer_id")
          .where("writer_id", "<>", sql<string>`all(${own}::uuid[])`),
      ).as("others_lag"),
    ])
    .$if(withLatest, (query) => query.select(latestColumns))
    .where("tenant_id", "=", tenantId)
    .$if(after !== undefined, (query) => query.where("device_id", ">", after!))
    .orderBy("device_id")
    .limit(limit)
    .execute();
  return {
    rows: rows.map((row) => ({
      device: toDevice(row, row.last_seen_seconds),
      latest: toLatest(row),
      doubtful: row.doubtful,
      ahead: row.ahead,
    })),
    othersLag: rows.some(({ others_lag }) => others_lag === true),
  };
}

/** The device as it is at this moment: its newest reading is looked up. */
export async function findDevice(
  db: Kysely<Database>,
  tenantId: TenantId,
  deviceId: string,
): Promise<IoTDevice | undefined> {
  const row = await db.selectFrom("iot_devices as d")
    .leftJoinLateral(
      (from) => lastInstant(from).as("last"),
      (join) => join.onTrue(),
    )
    .select(describedColumns)
    .select(
      sql<number>`floor(extract(epoch from greatest(last_seen, last."timestamp")))::float8`
        .as("last_seen_seconds"),
    )
    .where("d.tenant_id", "=", tenantId)
    .where("d.device_id", "=", deviceId)
    .executeTakeFirst();
  return row === undefined ? undefined : toDevice(row, row.last_seen_seconds);
}

/** The newest reading, under the names of `placedColumns`. */
function latestColumns(row: ExpressionBuilder<Database, "iot_devices">) {
  return [
    sql<string | null>`(extract(epoch from latest_timestamp) * 1000000)::bigint::text`.as("micros"),
    sql<string | null>`latest_tie_break::text`.as("tie"),
    "typical_interval" as const,
    ...measureColumnNames.map((column) => row.ref(`latest_${column}`).as(column)),
  ];
}

type LatestRow =
  & { readonly device_id: string; readonly typical_interval?: number | null }
  & { readonly [Column in keyof ReadingQueryRow]?: ReadingQueryRow[Column] | null };

function toLatest(row: LatestRow): LatestReading | undefined {
  if (typeof row.micros !== "string") return undefined;
  return {
    // Where there is an instant, there is all of the reading.
    ...place(row as ReadingQueryRow),
    typicalIntervalSeconds: row.typical_interval ?? undefined,
  };
}

function toDevice(row: DescribedDevice, lastSeenSeconds: number): IoTDevice {
  return create(IoTDeviceSchema, {
    deviceId: row.device_id,
    location: row.location,
    macAddress: row.mac_address,
    ipAddress: row.ip_address,
    firmware: row.firmware,
    latitude: row.latitude,
    longitude: row.longitude,
    lastSeen: BigInt(lastSeenSeconds),
  });
}
