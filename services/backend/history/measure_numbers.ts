import { SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { measures } from "#shared/telemetry/measures.ts";

/** The numbers of the measures' fields, in the order of `measures`: packed readings tell them by it. */
export const measureNumbers: readonly number[] = measures.map(({ field }) =>
  SensorReadingSchema.field[field].number
);
