import type { Kysely } from "kysely";
import { groupOfColumns } from "../archive/group_of_columns.ts";
import type { RowGroup } from "../archive/row_group.ts";
import { type DayFile, writeDayFile } from "../archive/write_day_file.ts";
import type { Database } from "../store/database.ts";
import { isoDay } from "../store/partitions/days.ts";
import type { DeviceRows, RowsTally } from "../store/retention/late_rows.ts";
import { readDay, type ReadingsTable } from "../store/retention/read_day.ts";

/** Few, since who stores readings waits while such a group is encoded; it takes 3 % more space. */
const groupReadings = 25_000;

/** What was archived of some devices. */
export type ArchivedPage = DeviceRows & RowsTally;

export interface ArchivedDay {
  /** Undefined if there was nothing to archive. */
  readonly file: DayFile | undefined;
  /** Those of devices that had readings. */
  readonly pages: readonly ArchivedPage[];
}

/**
 * Writes what a table has of a day (UTC) to a file.
 *
 * @param fromMicros The beginning of the day.
 * @throws {Error} that names the directory, if it cannot be written to.
 */
export async function archiveDay(
  db: Kysely<Database>,
  table: ReadingsTable,
  fromMicros: number,
  { directory, signal }: { readonly directory: string; readonly signal: AbortSignal },
): Promise<ArchivedDay> {
  const pages: ArchivedPage[] = [];
  async function* groups(): AsyncGenerator<RowGroup, void, undefined> {
    for await (const { tenantId, deviceIds, readings } of readDay(db, table, fromMicros)) {
      let count = 0;
      let tieBreaks = 0n;
      for await (const { deviceId, columns } of readings) {
        const group = groupOfColumns(tenantId, deviceId, columns);
        count += columns.count;
        for (const tieBreak of group.tieBreaks) tieBreaks += tieBreak;
        yield group;
      }
      if (count > 0) pages.push({ tenantId, deviceIds, count, tieBreaks });
    }
  }
  const options = { groupReadings, signal };
  const file = await writeDayFile(directory, isoDay(fromMicros), groups(), options);
  return { file, pages };
}
