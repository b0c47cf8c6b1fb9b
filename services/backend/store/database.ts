import type { Generated, Kysely } from "kysely";
import type { MeasuredColumns } from "#shared/telemetry/measures.ts";
import type { TenantId } from "#shared/telemetry/tenant.ts";

/**
 * The tables, as the queries built by Kysely see them. Instants are read as
 * microseconds by the statements themselves: a `Date` would lose the rest.
 */
export interface Database {
  readonly tenants: {
    readonly tenant_id: number;
    readonly name: string;
  };
  readonly iot_devices: LatestColumns & {
    readonly tenant_id: Generated<TenantId>;
    readonly device_id: string;
    readonly location: string;
    readonly mac_address: string;
    readonly ip_address: string;
    readonly firmware: string;
    readonly latitude: number;
    readonly longitude: number;
    readonly last_seen: Date;
    readonly described_at: Date;
    /** Usual seconds between two of the newest few readings; null where these are too few to tell. */
    readonly typical_interval: number | null;
    /** The `last_seen` that the newest reading is told for; another says that it may be behind. */
    readonly latest_for: Date | null;
  };
  /** By days, of which the oldest one holds all that are before the first that is open. */
  readonly sensor_readings: ReadingTable;
  /** Days that nobody writes to any more, until they are packed. */
  readonly closed_readings: ReadingTable;
  readonly parked_readings: ReadingTable & {
    readonly parked_at: Generated<Date>;
    readonly leaving_at: Date | null;
    readonly refused: string | null;
  };
  /** Readings that are packed: see `packReadings`. */
  readonly sensor_history: HistoryTable;
  /** What is to be `sensor_history` once all of its day is there. */
  readonly staged_history: HistoryTable;
  /** How far packing partitions of `closed_readings` has come. */
  readonly compactions: {
    readonly partition: string;
    /** The stretch of time that is being packed begins there. */
    readonly stretch: Date;
    /** The last device that is done; of one that is not, the rest begins at `resumed_at`. */
    readonly tenant_id: TenantId;
    readonly device_id: string;
    readonly resumed_at: Date | null;
    readonly readings: number;
  };
  readonly compacted_days: {
    readonly day: string;
    readonly readings: number;
    readonly row_bytes: number;
    readonly packed_bytes: number;
    readonly compacted_at: Date;
    readonly expanded: Generated<boolean>;
  };
  /** One row: how far what is done with readings in the order of time has come. */
  readonly reading_progress: {
    readonly only_row: Generated<boolean>;
    /** Days before it are closed. */
    readonly open_from: Date;
    /** Who stores readings of before it marks their hours. */
    readonly marking_until: Date;
    /** Buckets that end there or before are rolled up, but for the hours that are marked. */
    readonly rolled_until: Date;
    /** Days of which readings are gone. */
    readonly dropped: Generated<string>;
    /** Rollups of before these are gone. */
    readonly minutes_dropped_until: Date;
    readonly hours_dropped_until: Date;
    readonly days_dropped_until: Date;
  };
  /** What readings come to by minute, by hour and by day (UTC). */
  readonly rollups_minute: RollupTable;
  readonly rollups_hour: RollupTable;
  readonly rollups_day: RollupTable;
  /** Hours that readings came to after they were rolled up; each as often as that was seen. */
  readonly rollup_marks: {
    readonly tenant_id: TenantId;
    readonly device_id: string;
    readonly hour: Date;
  };
  /** Backends that may have stored readings which the rows of their devices do not tell yet. */
  readonly lagging_writers: {
    readonly writer_id: string;
    readonly renewed_at: Date;
  };
  /** Migrations that a release must know, and which one says so. */
  readonly schema_floor: {
    readonly must_know: string;
    readonly required_by: string;
  };
}

interface ReadingTable extends MeasuredColumns {
  readonly tenant_id: Generated<TenantId>;
  readonly device_id: string;
  readonly timestamp: Date;
  readonly tie_break: string;
}

/** A stretch of a device's day. */
interface HistoryTable {
  readonly tenant_id: Generated<TenantId>;
  readonly device_id: string;
  /** Of its first reading, and of its last. */
  readonly first_at: Date;
  readonly last_at: Date;
  readonly readings: number;
  readonly packed: Uint8Array;
}

/** What the readings of a device and a bucket come to. */
type RollupTable =
  & {
    readonly tenant_id: TenantId;
    readonly device_id: string;
    readonly starts_at: Date;
    readonly readings: number;
  }
  & {
    readonly [Column in keyof MeasuredColumns as `${Column}_${"min" | "max" | "mean" | "last"}`]:
      MeasuredColumns[Column];
  }
  & {
    readonly [
      /** Of those that a reading may come without: how many have it. */
      Column in keyof MeasuredColumns as OptionalOnly<Column, `${Column}_count`>
    ]: number;
  };

type OptionalOnly<Column extends keyof MeasuredColumns, Name> = null extends MeasuredColumns[Column]
  ? Name
  : never;

/** Of the newest reading, as the row of its device has it; null where there is none, or not yet. */
type LatestColumns =
  & { readonly latest_timestamp: Date | null; readonly latest_tie_break: string | null }
  & { readonly [Column in keyof MeasuredColumns as `latest_${Column}`]: number | null };

interface Breakable {
  /** Rejects, with an `ExitError`, once there is no hope: where the server is ours and has ended. */
  readonly broken: Promise<never>;
}

/** An open database, for one who does one thing at a time, such as a tool. */
export interface OpenDatabase extends AsyncDisposable, Breakable {
  readonly db: Kysely<Database>;
  /** Asks the database for a sign of life. */
  answers(): Promise<boolean>;
}

/** The backend's ways to its database, of which none waits behind another. */
export interface BackendDatabase extends AsyncDisposable, Breakable {
  /** For writing what the queues bring. */
  readonly ingest: Kysely<Database>;
  /** For callers of the API. */
  readonly query: QueryHandle;
  /** For migrations and jobs, one after the other, however long each takes. */
  readonly maintenance: Kysely<Database>;
  /** For what asks now and then how the database is. */
  readonly probe: Kysely<Database>;
}

export interface QueryHandle {
  /**
   * Does `work`, which is to last no longer than its queries and to run one at
   * a time; each has a limit in time. It is not retried.
   *
   * @param signal Aborted when the caller leaves: what runs then is ended, where
   *   the database can do that, and what has not begun never does.
   * @throws {DatabaseBusyError} if it can't begin soon.
   * @throws the signal's reason once it is aborted.
   */
  run<Result>(
    signal: AbortSignal,
    work: (db: Kysely<Database>) => Promise<Result>,
  ): Promise<Result>;
}
