import { PGlite } from "@electric-sql/pglite";

/**
 * PGlite takes all of its shared memory at the start and never gives it back;
 * the system caches the files anyway, and the pages of a laptop's data that are
 * used again and again are few. The write-ahead log need not outgrow the data.
 */
const settings = [
  "shared_buffers=16MB",
  "maintenance_work_mem=16MB",
  "min_wal_size=32MB",
  "max_wal_size=64MB",
];

export const serverSettings: string[] = [
  ...PGlite.defaultStartParams,
  ...settings.flatMap((setting) => ["-c", setting]),
];
