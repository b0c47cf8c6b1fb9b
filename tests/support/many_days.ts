import type { Kysely } from "kysely";
import type { Database } from "../../services/backend/store/database.ts";
import { dayMicros, dayOf, partitionName } from "../../services/backend/store/partitions/days.ts";
import { makePartition } from "../../services/backend/store/partitions/make_partition.ts";
import { loseDays } from "./days.ts";

/** Has each of `days` days have a partition of its own, the last of them the day after tomorrow. */
export async function makeManyDays(db: Kysely<Database>, days: number): Promise<void> {
  const end = dayOf(Date.now() * 1_000) + 3 * dayMicros;
  const first = end - days * dayMicros;
  await loseDays(db, first);
  await db.transaction().execute(async (transaction) => {
    for (let fromMicros = first; fromMicros < end; fromMicros += dayMicros) {
      const untilMicros = fromMicros + dayMicros;
      const day = { name: partitionName(fromMicros, untilMicros), fromMicros, untilMicros };
      await makePartition(transaction, "sensor_readings", day);
    }
  });
}
