import { Buffer } from "node:buffer";
import { valuesOf } from "#shared/telemetry/measures.ts";
import { tieBreak } from "../../services/backend/readings/tie_break.ts";
import type { Site } from "./site.ts";
import { readingsOf, type Workload } from "./workload.ts";

/** The part of pg's connection that a statement of one's own speaks to. */
interface PgConnection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** Rows in one chunk of the stream. */
const chunkRows = 1_000;
const columns = `device_id, "timestamp", tie_break, temperature, humidity, pressure, battery_level`;

/**
 * Writes the same rows by one COPY, straight into the table, and returns how
 * many a second. The text is made before: only the database is timed.
 */
export async function copyRows({ pg }: Site, workload: Workload): Promise<number> {
  const chunks: Buffer[] = [];
  let lines: string[] = [];
  for (const r of readingsOf(workload)) {
    const micros = Number(r.timestamp) * 1_000_000 + Math.floor(r.nanos / 1_000);
    const key = tieBreak(r.nanos % 1_000, valuesOf(r));
    const instant = new Date(Math.floor(micros / 1_000)).toISOString().slice(0, -1);
    lines.push(
      [
        r.deviceId,
        `${instant}${String(micros % 1_000).padStart(3, "0")}Z`,
        ...[key, r.temperature, r.humidity, r.pressure, r.batteryLevel],
      ].join("\t") + "\n",
    );
    if (lines.length === chunkRows) {
      chunks.push(Buffer.from(lines.join("")));
      lines = [];
    }
  }
  chunks.push(Buffer.from(lines.join("")));

  const startMs = performance.now();
  await new Promise<void>((resolve, reject) => {
    const statement = {
      submit: (connection: PgConnection) =>
        connection.query(`copy sensor_readings (${columns}) from stdin`),
      handleCopyInResponse(connection: PgConnection) {
        for (const chunk of chunks) connection.sendCopyFromChunk(chunk);
        connection.endCopyFrom();
      },
      handleCommandComplete() {},
      handleReadyForQuery: () => resolve(),
      handleError: reject,
    };
    // The types know of pg's own statements alone.
    pg.query(statement as unknown as Parameters<typeof pg.query>[0]);
  });
  return workload.readings / ((performance.now() - startMs) / 1_000);
}
