import type { Kysely } from "kysely";

/**
 * The tables, as the queries built by Kysely see them. Instants are read as
 * microseconds by the statements themselves: a `Date` would lose the rest.
 */
export interface Database {
  readonly iot_devices: {
    readonly device_id: string;
    readonly location: string;
    readonly mac_address: string;
    readonly ip_address: string;
    readonly firmware: string;
    readonly latitude: number;
    readonly longitude: number;
    readonly last_seen: Date;
    readonly described_at: Date;
  };
  readonly sensor_readings: ReadingTable;
  readonly parked_readings: ReadingTable & {
    readonly parked_at: Date;
    readonly refused: string | null;
  };
}

interface ReadingTable {
  readonly device_id: string;
  readonly timestamp: Date;
  readonly tie_break: string;
  readonly temperature: number;
  readonly humidity: number;
  readonly pressure: number;
  readonly battery_level: number;
}

/** An open database, and whether it answers. */
export interface OpenDatabase extends AsyncDisposable {
  readonly db: Kysely<Database>;
  /** Asks the database for a sign of life. */
  answers(): Promise<boolean>;
  /** Rejects, with a `StartError`, once there is no hope: where the server is ours and has ended. */
  readonly broken: Promise<never>;
}
