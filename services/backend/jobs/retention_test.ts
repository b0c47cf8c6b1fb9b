import assert from "node:assert/strict";
import { Registry } from "prom-client";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { eachDatabase } from "../../../tests/support/each_database.ts";
import { keptLog } from "../../../tests/support/log_lines.ts";
import { openDays } from "../../../tests/support/open_days.ts";
import { device, readingRow } from "../../../tests/support/store_rows.ts";
import { TempFolder } from "../../../tests/support/temp_folder.ts";
import { writeDevices } from "../store/devices/write_devices.ts";
import { writeReadings } from "../store/readings/write_readings.ts";
import { retentionJob } from "./retention.ts";
import { createRetentionMetrics } from "./retention_metrics.ts";

const dayMs = 86_400_000;
const firstMs = Date.UTC(2024, 1, 20);

eachDatabase("The job retention", {
  async "says what it drops, and counts it"(db) {
    await openDays(db, firstMs * 1_000, (firstMs + 3 * dayMs) * 1_000);
    await writeDevices(db, defaultTenant, [device("a")]);
    const seconds = firstMs / 1_000;
    await writeReadings(
      db,
      defaultTenant,
      [-86_400, 0, 60].map((past) => readingRow("a", { seconds: seconds + past })),
    );
    await using folder = await TempFolder.make();
    const registry = new Registry();
    const { log, lines } = keptLog();
    const forever = { history: Infinity, minute: Infinity, hour: Infinity, day: Infinity };
    const job = retentionJob({
      db,
      policy: { keptMs: { rows: 10 * dayMs, ...forever }, packs: false, expandedMs: Infinity },
      archive: folder.path,
      nowMs: () => Promise.resolve(firstMs + 11 * dayMs),
      metrics: createRetentionMetrics(registry),
      log,
    });
    const { signal } = new AbortController();
    while (await job.run(signal) === "more");
    assert.deepEqual(lines.map(({ message, fields }) => [message, fields["readings"]]), [
      ["Closed a day", undefined],
      ["Archived a day", 2],
      ["Dropped a partition, whose time is over", 2],
      ["Archived a day", 1],
      ["Deleted late readings, whose time is over", 1],
    ]);
    const counted = async (name: string) => {
      const { values } = await registry.getSingleMetric(name)!.get();
      return values.map(({ labels, value }) => [labels["kind"] ?? "", value])
        .filter(([, value]) => value !== 0);
    };
    assert.deepEqual(await counted("retention_dropped_partitions_total"), [["rows", 1]]);
    assert.deepEqual(await counted("retention_dropped_readings_total"), [["rows", 3]]);
    assert.deepEqual(await counted("retention_archived_readings_total"), [["", 3]]);
    assert.equal((await counted("retention_dropped_bytes_total")).length, 1);
  },
});
