import { toBinary } from "@bufbuild/protobuf";
import type { Logger } from "@logtape/logtape";
import type { Kysely } from "kysely";
import type { Publisher } from "#shared/broker/port/broker.ts";
import { formatDuration } from "#shared/config/duration.ts";
import { SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import type { IngestMetrics } from "../ingest/ingest_metrics.ts";
import { deadLetter } from "../ingest/letters/dead_letters.ts";
import { onOneReplica } from "../store/connection/on_one_replica.ts";
import type { Database } from "../store/database.ts";
import { deleteParked } from "../store/parked/delete_parked.ts";
import { type LeavingReading, type ParkedBounds, takeParked } from "../store/parked/take_parked.ts";

export interface ExpireOptions {
  readonly db: Kysely<Database>;
  /** Opened for the dead-letter queue of `queue`. */
  readonly deadLetters: Pick<Publisher, "publish" | "room">;
  /** The queue of readings. */
  readonly queue: string;
  readonly bounds: ParkedBounds;
  readonly metrics: Pick<IngestMetrics, "deadLetters">;
  readonly log: Logger;
}

/** Readings a step: few enough that one ends well before another backend would take them. */
const stepReadings = 5_000;

/**
 * Dead-letters some of the readings that are parked for too long or are too
 * many, the oldest first, and says how many. Each is deleted once its letter is
 * confirmed; where that is interrupted, it is dead-lettered again, under the same
 * id, and a replay of both stores it once.
 */
export async function expireParked(options: ExpireOptions): Promise<number> {
  const { db, bounds, queue, metrics, log } = options;
  const leaving = await onOneReplica(
    db,
    "expire",
    (session) => takeParked(session, bounds, stepReadings),
  ) ?? [];
  if (leaving.length === 0) return 0;
  const outcomes = await deadLetterAll(options, leaving);
  const gone = leaving.filter((_, at) => outcomes[at]!.status === "fulfilled");
  await deleteParked(db, gone);
  for (const [reason, group] of Map.groupBy(gone, ({ reason }) => reason)) {
    metrics.deadLetters.inc({ queue, reason }, group.length);
    log.warning("Dead-lettered parked readings", {
      queue,
      reason,
      readings: group.length,
      firstDevice: group[0]!.reading.deviceId,
    });
  }
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure !== undefined) throw failure.reason;
  return gone.length;
}

async function deadLetterAll(
  { deadLetters, queue, bounds }: ExpireOptions,
  leaving: readonly LeavingReading[],
): Promise<readonly PromiseSettledResult<void>[]> {
  const sent: Promise<void>[] = [];
  for (const reading of leaving) {
    await deadLetters.room();
    const delivery = {
      body: toBinary(SensorReadingSchema, reading.reading),
      headers: {},
      contentType: "application/protobuf",
      redelivered: false,
    };
    sent.push(deadLetter(deadLetters, queue, delivery, reading.reason, detailOf(reading, bounds)));
  }
  return await Promise.allSettled(sent);
}

function detailOf(
  { reason, parkedAtMs, refused }: LeavingReading,
  { maxAgeMs, maxReadings }: ParkedBounds,
): string {
  const why = refused ?? "its device is not known";
  const bound = reason === "parked_too_long"
    ? `longer than ${formatDuration(maxAgeMs)}`
    : `and more than ${maxReadings} were`;
  return `parked since ${new Date(parkedAtMs).toISOString()}, ${bound}: ${why}`;
}
