import type { Migration } from "kysely/migration";
import * as iotDevices from "./0001_iot_devices.ts";
import * as sensorReadings from "./0002_sensor_readings.ts";
import * as parkedReadings from "./0003_parked_readings.ts";
import * as schemaFloor from "./0004_schema_floor.ts";
import * as mixedTieBreaks from "./0005_mixed_tie_breaks.ts";
import * as parkedBounds from "./0006_parked_bounds.ts";
import * as tenants from "./0007_tenants.ts";
import * as latestReadings from "./0008_latest_readings.ts";
import * as dayPartitions from "./0009_day_partitions.ts";
import * as history from "./0010_history.ts";
import * as rollups from "./0011_rollups.ts";
import * as droppedSpans from "./0012_dropped_spans.ts";
import type { OnlineStep } from "./online_step.ts";

export interface ReversibleMigration extends Migration {
  /** Undoing it takes no data, which trying it out would be long to tell. */
  readonly takesNoData?: true;
  /**
   * What comes before `up`, outside of a transaction, so that `up` has little
   * left to do: none where the tables are empty. `up` does what it finds undone.
   */
  prepare?(...db: Parameters<Migration["up"]>): Promise<readonly OnlineStep[]>;
  /**
   * Tables that `up`, once it has come to them, locks against everyone for no
   * longer than a moment: it had better give up, and try again, than wait for
   * one who uses them while all others wait behind it.
   */
  readonly locks?: readonly string[];
}

/** Every migration, in order. Append; never change one that has been released. */
export const migrations: Readonly<Record<string, ReversibleMigration>> = {
  "0001_iot_devices": iotDevices,
  "0002_sensor_readings": sensorReadings,
  "0003_parked_readings": parkedReadings,
  "0004_schema_floor": schemaFloor,
  "0005_mixed_tie_breaks": mixedTieBreaks,
  "0006_parked_bounds": parkedBounds,
  "0007_tenants": tenants,
  "0008_latest_readings": latestReadings,
  "0009_day_partitions": dayPartitions,
  "0010_history": history,
  "0011_rollups": rollups,
  "0012_dropped_spans": droppedSpans,
};
