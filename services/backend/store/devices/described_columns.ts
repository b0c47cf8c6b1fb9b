import type { Database } from "../database.ts";

/** The columns of what devices say of themselves, but for when. */
export const describedColumns = [
  "device_id",
  "location",
  "mac_address",
  "ip_address",
  "firmware",
  "latitude",
  "longitude",
] as const;

export type DescribedDevice = Pick<Database["iot_devices"], typeof describedColumns[number]>;
