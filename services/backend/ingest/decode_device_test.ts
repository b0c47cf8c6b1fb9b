import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { type IoTDevice, IoTDeviceSchema } from "#shared/gen/iot/v1/device_pb.ts";
import {
  MalformedMessageError,
  type MalformedReason,
} from "../readings/malformed_message_error.ts";
import { decodeDevice } from "./decode_device.ts";

const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const nowSeconds = BigInt(nowMs / 1_000);
const texts = ["location", "macAddress", "ipAddress", "firmware"] as const;

function bodyOf(changed: Partial<Omit<IoTDevice, "$typeName" | "$unknown">> = {}): Uint8Array {
  return toBinary(
    IoTDeviceSchema,
    create(IoTDeviceSchema, { deviceId: "d", lastSeen: nowSeconds, ...changed }),
  );
}

/** The reason for which a body is refused; undefined if it is taken. */
function refusal(body: Uint8Array): MalformedReason | undefined {
  try {
    const device = decodeDevice(body, nowMs);
    assert.ok(device.deviceId !== "" && !/\p{Cc}/u.test(device.deviceId));
    for (const field of ["deviceId", ...texts] as const) {
      assert.ok([...device[field]].length <= 255 && device[field].isWellFormed());
      assert.ok(!device[field].includes("\0"));
    }
    assert.ok(Math.abs(device.latitude) <= 90 && Math.abs(device.longitude) <= 180);
    assert.ok(device.lastSeen >= 946_684_800n && device.lastSeen <= nowSeconds + 86_400n);
    return undefined;
  } catch (error) {
    if (!(error instanceof MalformedMessageError)) throw error;
    assert.ok(error.message.length < 1_000);
    return error.reason;
  }
}

Deno.test("decodeDevice takes what the contract allows", () => {
  for (
    const values of [
      {},
      { latitude: -90, longitude: -180 },
      { latitude: 90, longitude: 180 },
      { lastSeen: 946_684_800n },
      { lastSeen: nowSeconds + 86_400n },
      ...texts.map((field) => ({ [field]: "\u{1f321}".repeat(255) })),
      { location: "two\nlines" },
    ]
  ) assert.equal(refusal(bodyOf(values)), undefined, Deno.inspect(values));
});

Deno.test("decodeDevice takes a producer that knows only fields 1 to 6, and sees its device now", () => {
  const { lastSeen } = decodeDevice(bodyOf({ lastSeen: 0n, longitude: 0 }), nowMs);
  assert.equal(lastSeen, nowSeconds);
});

Deno.test("decodeDevice refuses what the contract does not", () => {
  for (
    const [values, reason] of [
      [{ deviceId: "" }, "missing_field"],
      [{ deviceId: " \u3000\u200b" }, "out_of_range"],
      [{ deviceId: "a\u0085" }, "out_of_range"],
      [{ deviceId: "x".repeat(256) }, "out_of_range"],
      ...texts.flatMap((field) => [
        [{ [field]: "x".repeat(256) }, "out_of_range"] as const,
        [{ [field]: "a\0" }, "out_of_range"] as const,
      ]),
      [{ latitude: Math.fround(90.00001) }, "out_of_range"],
      [{ longitude: Math.fround(-180.0001) }, "out_of_range"],
      [{ latitude: NaN }, "out_of_range"],
      [{ longitude: Infinity }, "out_of_range"],
      [{ lastSeen: -1n }, "out_of_range"],
      [{ lastSeen: nowSeconds + 86_401n }, "from_future"],
    ] as const
  ) assert.equal(refusal(bodyOf(values)), reason, Deno.inspect(values));
  assert.equal(refusal(new Uint8Array([...bodyOf(), 0x12, 1, 0xff])), "undecodable");
});

Deno.test("decodeDevice makes short work of a body of 10 MB", () => {
  const huge = 10 * 2 ** 20;
  assert.equal(refusal(bodyOf({ location: "x".repeat(huge) })), "out_of_range");
  assert.equal(refusal(new Uint8Array(huge)), "undecodable");
  assert.equal(refusal(new Uint8Array(huge).fill(0xff)), "undecodable");
  // An unknown field of that size is a later producer's business.
  const unknown = new Uint8Array(huge + 6);
  unknown.set([0xfa, 0x01, 0x80, 0x80, 0x80, 0x05]);
  assert.equal(refusal(new Uint8Array([...bodyOf(), ...unknown])), undefined);
});

Deno.test("decodeDevice makes of any bytes, and any damage, a device in range or a reason", () => {
  const whole = bodyOf({ location: "Zürich", firmware: "1.2", latitude: 47, longitude: 8 });
  for (let length = 0; length < whole.length; length++) refusal(whole.subarray(0, length));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (body) => void refusal(body)),
    { numRuns: 20_000 },
  );
  const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
      const body = whole.slice();
      for (const [at, byte] of changes) body[at] = byte;
      refusal(body);
    }),
    { numRuns: 20_000 },
  );
});
