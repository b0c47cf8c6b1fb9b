import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { type SensorReading, SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { measures, valuesOf } from "#shared/telemetry/measures.ts";
import {
  MalformedMessageError,
  type MalformedReason,
} from "../readings/malformed_message_error.ts";
import { decodeReading } from "./decode_reading.ts";

const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const nowSeconds = BigInt(nowMs / 1_000);

type Fields = Partial<Omit<SensorReading, "$typeName" | "$unknown">>;

const reasons: readonly MalformedReason[] = [
  "undecodable",
  "missing_field",
  "out_of_range",
  "from_future",
];

function bodyOf(changed: Fields = {}): Uint8Array {
  return toBinary(
    SensorReadingSchema,
    create(SensorReadingSchema, {
      deviceId: "d",
      timestamp: nowSeconds,
      temperature: 21.5,
      humidity: 40,
      pressure: 1_013.25,
      batteryLevel: 99,
      ...changed,
    }),
  );
}

/** The reason for which a body is refused; undefined if it is taken. */
function refusal(body: Uint8Array): MalformedReason | undefined {
  try {
    const row = decodeReading(body, nowMs);
    assert.ok(row.deviceId !== "" && [...row.deviceId].length <= 255);
    assert.ok(row.deviceId.isWellFormed() && !/\p{Cc}/u.test(row.deviceId));
    assert.ok(row.micros >= 946_684_800e6 && row.micros < (nowMs / 1_000 + 86_401) * 1e6);
    assert.ok(Number.isSafeInteger(row.micros));
    for (const [at, { min, max }] of measures.entries()) {
      const value = row.values[at] ?? min;
      assert.ok(value >= min && value <= max);
    }
    assert.ok(row.tieBreak >= 0n && row.tieBreak < 2n ** 63n);
    return undefined;
  } catch (error) {
    if (!(error instanceof MalformedMessageError)) throw error;
    assert.ok(reasons.includes(error.reason));
    assert.ok(error.message.length < 1_000);
    return error.reason;
  }
}

Deno.test("decodeReading takes every value at the ends of its range", () => {
  for (
    const values of [
      { temperature: -90, humidity: 0, pressure: 300, batteryLevel: 0 },
      { temperature: 150, humidity: 100, pressure: 1_100, batteryLevel: 100 },
      { nanos: 999_999_999 },
      { timestamp: 946_684_800n },
      { timestamp: nowSeconds + 86_400n, nanos: 999_999_999 },
      { deviceId: "\u{1f321}".repeat(255) },
      { deviceId: "e\u0301\u200d\u2028\ufeff\u{10ffff}" },
    ]
  ) assert.equal(refusal(bodyOf(values)), undefined, Deno.inspect(values));
});

Deno.test("decodeReading refuses every value past the ends of its range", () => {
  /** The next double away from zero, or towards it. */
  const past = (value: number, away: 1 | -1) => {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value);
    view.setBigInt64(0, view.getBigInt64(0) + BigInt(away));
    return view.getFloat64(0);
  };
  for (
    const [values, reason] of [
      [{ deviceId: "" }, "missing_field"],
      [{ deviceId: " \u3000\u200b" }, "out_of_range"],
      [{ deviceId: "\u{1f321}".repeat(256) }, "out_of_range"],
      [{ deviceId: "x".repeat(256) }, "out_of_range"],
      [{ deviceId: "x".repeat(10_000_000) }, "out_of_range"],
      ...["\0", "\n", "\x1f", "\x7f", "\x80", "\x9f"].map((character) =>
        [{ deviceId: `a${character}b` }, "out_of_range"] as const
      ),
      [{ temperature: past(-90, 1) }, "out_of_range"],
      [{ temperature: past(150, 1) }, "out_of_range"],
      [{ humidity: -5e-324 }, "out_of_range"],
      [{ humidity: past(100, 1) }, "out_of_range"],
      [{ pressure: past(300, -1) }, "out_of_range"],
      [{ pressure: past(1_100, 1) }, "out_of_range"],
      [{ batteryLevel: -1 }, "out_of_range"],
      [{ batteryLevel: past(100, 1) }, "out_of_range"],
      ...[NaN, Infinity, -Infinity].flatMap((value) =>
        (["temperature", "humidity", "pressure", "batteryLevel"] as const).map((field) =>
          [{ [field]: value }, "out_of_range"] as const
        )
      ),
      [{ nanos: -1 }, "out_of_range"],
      [{ nanos: 1_000_000_000 }, "out_of_range"],
      [{ nanos: -2_147_483_648 }, "out_of_range"],
      [{ timestamp: 0n }, "out_of_range"],
      [{ timestamp: 946_684_799n }, "out_of_range"],
      [{ timestamp: nowSeconds + 86_401n }, "from_future"],
      [{ timestamp: nowSeconds + 86_400n * 3_000n }, "from_future"],
      [{ timestamp: nowSeconds + 86_400n * 4_000n }, "out_of_range"],
      [{ timestamp: nowSeconds * 1_000n }, "out_of_range"],
      [{ timestamp: 2n ** 63n - 1n }, "out_of_range"],
      [{ timestamp: -(2n ** 63n) }, "out_of_range"],
    ] as const
  ) assert.equal(refusal(bodyOf(values)), reason, Deno.inspect(values).slice(0, 200));
});

Deno.test("decodeReading takes 0 and -0 for the same value", () => {
  const zero = decodeReading(bodyOf({ temperature: 0, humidity: 0, batteryLevel: 0 }), nowMs);
  const minus = decodeReading(bodyOf({ temperature: -0, humidity: -0, batteryLevel: -0 }), nowMs);
  assert.deepEqual(minus, zero);
});

Deno.test("decodeReading takes a producer that knows fields 1 to 6 and whole seconds", () => {
  const body = new Uint8Array(2 + 3 + 6 + 4 * 9);
  const view = new DataView(body.buffer);
  body.set([0x0a, 3, 0x6f, 0x6c, 0x64, 0x10]); // 1: "old", 2:
  let seconds = Number(nowSeconds);
  let at = 6;
  for (; seconds > 0x7f; seconds = Math.floor(seconds / 128)) body[at++] = seconds % 128 | 0x80;
  body[at++] = seconds;
  for (const [tag, value] of [[0x19, 20.5], [0x21, 40], [0x29, 1_000], [0x31, 75.25]] as const) {
    body[at++] = tag;
    view.setFloat64(at, value, true);
    at += 8;
  }
  assert.equal(at, body.length);
  const { tieBreak: _, ...row } = decodeReading(body, nowMs);
  assert.deepEqual(row, {
    deviceId: "old",
    micros: nowMs * 1_000,
    values: valuesOf({ temperature: 20.5, humidity: 40, pressure: 1_000, batteryLevel: 75.25 }),
  });
});

Deno.test("decodeReading passes over fields that it does not know", () => {
  const later = [0xfa, 0x01, 3, 1, 2, 3, 0x80, 0x02, 5]; // 31: bytes, 32: varint
  assert.deepEqual(
    decodeReading(new Uint8Array([...bodyOf(), ...later]), nowMs),
    decodeReading(bodyOf(), nowMs),
  );
});

Deno.test("decodeReading refuses text that is no UTF-8, and wrong wire types, as undecodable", () => {
  const tail = bodyOf({ deviceId: "" });
  for (
    const id of [
      [0x0a, 2, 0xc3, 0x28],
      [0x0a, 3, 0xed, 0xa0, 0x80], // half of a surrogate pair
      [0x0a, 1, 0xff],
      [0x0a, 2, 0xc0, 0x80], // NUL, overlong
      [0x0a, 0x7f, 0x41],
      [0x0b, 0x0a, 1, 0x41], // a group that does not end
      [0x0f],
      [0x00, 0x00],
    ]
  ) assert.equal(refusal(new Uint8Array([...tail, ...id])), "undecodable", String(id));
  // A known field in another form: passed over like an unknown one, or refused.
  assert.notEqual(refusal(new Uint8Array([0x08, 1, ...tail])), undefined);
  assert.equal(refusal(new Uint8Array()), "missing_field");
});

Deno.test("decodeReading makes of any bytes a row in range or a reason", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (body) => void refusal(body)),
    { numRuns: 20_000 },
  );
});

Deno.test("decodeReading makes of any damage to a reading a row in range or a reason", () => {
  const whole = bodyOf({ deviceId: "Zürich \u{1f321}", nanos: 123_456_789 });
  for (let length = 0; length < whole.length; length++) refusal(whole.subarray(0, length));
  const at = fc.nat(whole.length - 1);
  fc.assert(
    fc.property(fc.array(fc.tuple(at, fc.nat(255)), { maxLength: 4 }), (changes) => {
      const body = whole.slice();
      for (const [at, byte] of changes) body[at] = byte;
      refusal(body);
    }),
    { numRuns: 20_000 },
  );
});

Deno.test("decodeReading makes of any reading a row in range or a reason", () => {
  const number = fc.double();
  fc.assert(
    fc.property(
      fc.record({
        deviceId: fc.string({ unit: "binary", maxLength: 300 }),
        timestamp: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        nanos: fc.integer(),
        temperature: number,
        humidity: number,
        pressure: number,
        batteryLevel: number,
      }, { requiredKeys: [] }),
      (values) => void refusal(bodyOf(values as Fields)),
    ),
    { numRuns: 20_000 },
  );
});
