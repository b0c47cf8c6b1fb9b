import { create } from "@bufbuild/protobuf";
import { type Kysely, sql } from "kysely";
import { IoTDeviceSchema } from "#shared/gen/iot/v1/device_pb.ts";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import type { Database } from "../../services/backend/store/database.ts";
import { writeDevices } from "../../services/backend/store/devices/write_devices.ts";
import { dayMicros, dayOf, partitionName } from "../../services/backend/store/partitions/days.ts";
import { listPartitions } from "../../services/backend/store/partitions/list_partitions.ts";
import { makePartition } from "../../services/backend/store/partitions/make_partition.ts";
import { lockPartitions } from "../../services/backend/store/partitions/partition_lock.ts";
import { insertReadings } from "../../services/backend/store/readings/insert_readings.ts";
import { instant } from "../../services/backend/store/rows/instant.ts";
import type { StoredRun } from "./stored_run.ts";

const batchRows = 10_000;
const batchDevices = 1_000;
/** Batches that the database stores while the next ones are made. */
const writers = 2;

/**
 * Has it be as if the backend had run since the day of an instant: each day has
 * its partition, and none is closed.
 */
export async function openDays(db: Kysely<Database>, fromMicros: number): Promise<void> {
  const first = dayOf(fromMicros);
  await db.transaction().execute(async (transaction) => {
    await lockPartitions(transaction);
    const older = (await listPartitions(transaction, "sensor_readings"))[0]!;
    if (first >= older.untilMicros) return;
    await sql`drop table ${sql.table(older.name)}`.execute(transaction);
    await makePartition(transaction, "sensor_readings", { ...older, untilMicros: first });
    for (let day = first; day < older.untilMicros; day += dayMicros) {
      const untilMicros = day + dayMicros;
      await makePartition(transaction, "sensor_readings", {
        name: partitionName(day, untilMicros),
        fromMicros: day,
        untilMicros,
      });
    }
    await transaction.updateTable("reading_progress").set({ open_from: instant(first) }).execute();
  });
}

/** Registers a run's devices, and stores its readings as ingest would, in larger batches. */
export async function loadRun(
  db: Kysely<Database>,
  run: StoredRun,
  signal: AbortSignal,
): Promise<void> {
  for (let from = 0; from < run.deviceIds.length; from += batchDevices) {
    const devices = run.deviceIds.slice(from, from + batchDevices)
      .map((deviceId) => create(IoTDeviceSchema, { deviceId }));
    await writeDevices(db, defaultTenant, devices);
  }
  const underWay: Promise<unknown>[] = [];
  for (const rows of run.batches(batchRows)) {
    signal.throwIfAborted();
    if (underWay.length === writers) await underWay.shift();
    underWay.push(insertReadings(db, "sensor_readings", defaultTenant, rows));
  }
  await Promise.all(underWay);
}
