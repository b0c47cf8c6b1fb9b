import type { Kysely } from "kysely";
import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { ReadingColumns } from "../../history/reading_columns.ts";
import { unpackReadings } from "../../history/unpack_readings.ts";
import { withoutLast } from "../../history/without_last.ts";
import type { DeviceKey } from "../../readings/device_key.ts";
import type { Database } from "../database.ts";
import { pageDeviceKeys } from "../devices/page_device_keys.ts";
import { readChunks } from "../history/read_chunks.ts";
import { readColumns } from "../history/read_columns.ts";
import { dayMicros } from "../partitions/days.ts";

/** Where readings are. */
export type ReadingsTable = "sensor_readings" | "closed_readings" | "sensor_history";

/** Some devices' readings of a day. */
export interface DayPage {
  readonly tenantId: TenantId;
  readonly deviceIds: readonly string[];
  /** Of one device after the other, in the order of time; of a device several times where it has many. */
  readonly readings: AsyncIterable<DeviceReadings>;
}

export interface DeviceReadings {
  readonly deviceId: string;
  readonly columns: ReadingColumns;
}

/** Devices of the first page: the next ones go by how many readings they had. */
const firstDevices = 20;
const mostDevices = 5_000;
/** Readings a page, about. */
const pageReadings = 100_000;
/** Readings of a device that are read at once. */
const deviceReadings = 50_000;

/**
 * All readings that a table has of a day (UTC), a page of devices after the other.
 * A page's readings are to be read before the next one is asked for.
 *
 * @param fromMicros The beginning of the day.
 */
export async function* readDay(
  db: Kysely<Database>,
  table: ReadingsTable,
  fromMicros: number,
): AsyncGenerator<DayPage, void, undefined> {
  let after: DeviceKey | undefined;
  let devices = firstDevices;
  for (;;) {
    const keys = await pageDeviceKeys(db, after, devices);
    if (keys.length === 0) return;
    let readings = 0;
    for (const [tenantId, ofTenant] of Map.groupBy(keys, ({ tenantId }) => tenantId)) {
      const deviceIds = ofTenant.map(({ deviceId }) => deviceId);
      const read = table === "sensor_history" ? readPacked : readRows(table);
      yield {
        tenantId,
        deviceIds,
        readings: counted(read(db, tenantId, deviceIds, fromMicros), (count) => readings += count),
      };
    }
    after = keys.at(-1);
    const fitting = Math.floor(keys.length * pageReadings / Math.max(readings, 1));
    devices = Math.min(Math.max(fitting, 1), mostDevices);
  }
}

async function* counted(
  readings: AsyncIterable<DeviceReadings>,
  add: (count: number) => void,
): AsyncGenerator<DeviceReadings, void, undefined> {
  for await (const part of readings) {
    add(part.columns.count);
    yield part;
  }
}

type Read = (
  db: Kysely<Database>,
  tenantId: TenantId,
  deviceIds: readonly string[],
  fromMicros: number,
) => AsyncGenerator<DeviceReadings, void, undefined>;

async function* readPacked(...[db, tenantId, deviceIds, fromMicros]: Parameters<Read>) {
  const lastMicros = fromMicros + dayMicros - 1;
  const stretches = deviceIds.map((deviceId) => ({ deviceId, fromMicros, lastMicros }));
  for (const { deviceId, packed } of await readChunks(db, tenantId, stretches)) {
    yield { deviceId, columns: unpackReadings(packed) };
  }
}

function readRows(table: "sensor_readings" | "closed_readings"): Read {
  return async function* (db, tenantId, deviceIds, fromMicros) {
    const untilMicros = fromMicros + dayMicros;
    const read = async (deviceIds: readonly string[], resumedMicros = fromMicros) => {
      const resumed = { deviceId: deviceIds[0]!, fromMicros: resumedMicros };
      const page = { deviceIds, fromMicros, untilMicros, resumed, limit: deviceReadings };
      return await readColumns(db, table, { tenantId, ...page });
    };
    const firsts = await read(deviceIds);
    for (const [at, deviceId] of deviceIds.entries()) {
      let columns = firsts[at]!;
      while (columns.count === deviceReadings) {
        const whole = withoutLast(columns);
        if (whole.count === 0) {
          throw new Error(
            `Cannot go on: a device has ${columns.count} readings in one microsecond`,
          );
        }
        yield { deviceId, columns: whole };
        [columns] = await read([deviceId], columns.micros.at(-1)!) as [ReadingColumns];
      }
      if (columns.count > 0) yield { deviceId, columns };
    }
  };
}
