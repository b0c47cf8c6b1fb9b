import { create, toBinary } from "@bufbuild/protobuf";
import { SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";

export interface MalformedReading {
  readonly body: Uint8Array;
  /** Reasons that are right for it. */
  readonly reasons: readonly string[];
}

const good = {
  deviceId: "malformed-0001",
  timestamp: BigInt(Math.floor(Date.now() / 1_000)),
  nanos: 0,
  temperature: 20,
  humidity: 50,
  pressure: 1_000,
  batteryLevel: 80,
};

/** Field 1 in a wire type that does not exist. */
const noWireType = 0x0f;

type Kind = (index: number) => MalformedReading;

function altered(fields: Partial<typeof good>, reason: string): Kind {
  const body = toBinary(SensorReadingSchema, create(SensorReadingSchema, { ...good, ...fields }));
  return () => ({ body, reasons: [reason] });
}

const kinds: readonly Kind[] = [
  (index) => ({
    body: crypto.getRandomValues(new Uint8Array(1 + index % 200)),
    // By chance they may be fields of a message, though hardly of a good one.
    reasons: ["undecodable", "missing_field", "out_of_range"],
  }),
  (index) => {
    const whole = toBinary(SensorReadingSchema, create(SensorReadingSchema, good));
    // Inside the last field, a double.
    return { body: whole.subarray(0, whole.length - 1 - index % 7), reasons: ["undecodable"] };
  },
  // A number in place of the id: passed over, as an unknown field is, or refused.
  () => ({ body: Uint8Array.of(0x08, 0x2a), reasons: ["undecodable", "missing_field"] }),
  () => ({ body: new Uint8Array(), reasons: ["missing_field"] }),
  altered({ temperature: NaN }, "out_of_range"),
  altered({ humidity: Infinity }, "out_of_range"),
  altered({ pressure: -Infinity }, "out_of_range"),
  altered({ batteryLevel: 100.1 }, "out_of_range"),
  altered({ nanos: 1_000_000_000 }, "out_of_range"),
  altered({ deviceId: "" }, "missing_field"),
  altered({ deviceId: "x".repeat(256) }, "out_of_range"),
  altered({ deviceId: "nul\0nul" }, "out_of_range"),
  altered({ timestamp: -1n }, "out_of_range"),
  altered({ timestamp: 946_684_799n }, "out_of_range"),
  altered({ timestamp: good.timestamp + 3n * 86_400n }, "from_future"),
  altered({ timestamp: 2n ** 63n - 1n }, "out_of_range"),
];

const huge: readonly Kind[] = [
  () => ({ body: new Uint8Array(10_000_000).fill(noWireType), reasons: ["undecodable"] }),
  altered({ deviceId: "y".repeat(10_000_000) }, "out_of_range"),
];

/** Makes malformed readings of every kind in turn; every `hugeEvery`th has a body of 10 MB. */
export function* malformedReadings(count: number, hugeEvery: number): Generator<MalformedReading> {
  for (let index = 0; index < count; index++) {
    const from = index % hugeEvery === hugeEvery - 1 ? huge : kinds;
    const turn = from === huge ? Math.floor(index / hugeEvery) : index;
    yield from[turn % from.length]!(index);
  }
}
