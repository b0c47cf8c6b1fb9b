import { fromBinary } from "@bufbuild/protobuf";
import { type SensorReading, SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { checkReading } from "../readings/check_reading.ts";
import { MalformedMessageError } from "../readings/malformed_message_error.ts";
import type { ReadingRow } from "../readings/reading_row.ts";

/**
 * A row from the body of a reading's message.
 *
 * @param nowMs Unix milliseconds
 * @throws {MalformedMessageError} if it is no `SensorReading`, or out of the contract's ranges.
 */
export function decodeReading(body: Uint8Array, nowMs: number): ReadingRow {
  let reading: SensorReading;
  try {
    reading = fromBinary(SensorReadingSchema, body);
  } catch (cause) {
    throw new MalformedMessageError("undecodable", `not a SensorReading: ${cause}`, { cause });
  }
  return checkReading(reading, nowMs);
}
