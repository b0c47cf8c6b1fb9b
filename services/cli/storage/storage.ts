import type { Kysely } from "kysely";
import { defineCommand } from "#shared/command/define_command.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import { formatInstant } from "#shared/config/rfc3339.ts";
import { checkRetention } from "../../backend/check_retention.ts";
import {
  type BackendConfig,
  backendSettings,
  databaseSettings,
  historySettings,
  keptSettings,
} from "../../backend/config.ts";
import { earlierClock } from "../../backend/store/connection/earlier_clock.ts";
import type { Database } from "../../backend/store/database.ts";
import { retentionPolicy } from "../../backend/store/retention/retention_policy.ts";
import { countMarks } from "../../backend/store/rollups/count_marks.ts";
import { rollupProgress } from "../../backend/store/rollups/rollup_progress.ts";
import { measureStorage, type StorageState } from "../../backend/store/storage/measure_storage.ts";
import { onMigrated } from "../database/on_migrated.ts";
import { formatBytes } from "../output/bytes.ts";
import { type Print, printLine } from "../output/print.ts";
import { tableLines } from "../output/table.ts";
import { nextInWords } from "../retention/plan_in_words.ts";
import { outputFormat } from "../settings/output_format.ts";

/** Marks of which the number is told; of more, only that there are so many. */
const mostMarks = 100_000;

interface Stored extends StorageState {
  /** Unix microseconds, -Infinity where nothing is. */
  readonly rolledUntilMicros: number;
  readonly marks: number;
}

/** Prints how much is stored, and how far what is done with it by and by is. */
export async function printStorage(
  db: Kysely<Database>,
  config: {
    readonly history: BackendConfig["history"];
    readonly retention: Omit<BackendConfig["retention"], "archive">;
  },
  { format, nowMs }: { readonly format: "table" | "json"; readonly nowMs: number },
  print: Print,
): Promise<void> {
  const { afterMs } = config.history;
  const policy = retentionPolicy(config.history, config.retention);
  const { rolledUntilMicros } = await rollupProgress(db);
  const stored: Stored = {
    ...await measureStorage(db, { policy, afterMs, nowMs }),
    rolledUntilMicros,
    marks: await countMarks(db, mostMarks),
  };
  const lines = format === "json" ? jsonLines(stored) : inWords(stored, nowMs);
  for (const line of lines) await print(line);
}

const shape = {
  head: ["KIND", "PARTITIONS", "TABLES", "INDEXES", "ALL"],
  right: new Set([1, 2, 3, 4]),
};

function inWords(stored: Stored, nowMs: number): readonly string[] {
  const { sizes, compaction, marks, rolledUntilMicros } = stored;
  const all = {
    kind: "all",
    partitions: sizes.reduce((sum, { partitions }) => sum + partitions, 0),
    tableBytes: sizes.reduce((sum, { tableBytes }) => sum + tableBytes, 0),
    indexBytes: sizes.reduce((sum, { indexBytes }) => sum + indexBytes, 0),
  };
  const rows = [...sizes, all].map(({ kind, partitions, tableBytes, indexBytes }) => [
    kind,
    String(partitions),
    formatBytes(tableBytes),
    formatBytes(indexBytes),
    formatBytes(tableBytes + indexBytes),
  ]);
  const line = (name: string, value: string) => `${name.padEnd(16)}${value}`;
  return [
    ...tableLines(shape, rows),
    "",
    line("oldest reading", instantOf(stored.oldestMicros) ?? "none"),
    line("newest reading", instantOf(stored.newestMicros) ?? "none"),
    line(
      "to be packed",
      compaction.days === 0
        ? "nothing"
        : `${compaction.days} days, about ${compaction.readings.toLocaleString("en-US")} readings`,
    ),
    line("rolled up until", instantOf(rolledUntilMicros) ?? "nothing yet"),
    line("hours marked", marks < mostMarks ? String(marks) : `${mostMarks} or more`),
    line("retention", `${stored.due} partitions due. ${nextInWords(stored.next, nowMs)}`),
  ];
}

/** An object for each kind, and one for all else. */
function jsonLines({ sizes, ...state }: Stored): readonly string[] {
  const { compaction, due, next, rolledUntilMicros, marks, oldestMicros, newestMicros } = state;
  const rest = {
    oldest: instantOf(oldestMicros) ?? null,
    newest: instantOf(newestMicros) ?? null,
    compaction,
    rollups: { until: instantOf(rolledUntilMicros) ?? null, marks },
    retention: {
      due,
      next: next === undefined ? null : {
        partition: next.part.partition.name,
        at: new Date(next.atMs).toISOString(),
        bytes: next.part.bytes,
      },
    },
  };
  return [...sizes, rest].map((object) => JSON.stringify(object));
}

function instantOf(micros: number | undefined): string | undefined {
  return micros !== undefined && Number.isFinite(micros) ? formatInstant(micros) : undefined;
}

export const storageCommand = defineCommand({
  name: "storage",
  task: true,
  summary:
    "Says how much is stored, as what, and what is still to be packed, rolled up or dropped.",
  sections: {
    log: logSettings,
    backend: { db: databaseSettings, history: historySettings, retention: keptSettings },
    storage: { format: outputFormat() },
  },
  unused: backendSettings,
  run({ backend, storage: { format } }, context) {
    checkRetention("storage", backend);
    return onMigrated(
      backend.db,
      context,
      async (db) => printStorage(db, backend, { format, nowMs: await earlierClock(db) }, printLine),
    );
  },
});
