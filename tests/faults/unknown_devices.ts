import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { IoTDeviceSchema } from "#shared/gen/iot/v1/device_pb.ts";
import { SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { Fleet, modelVersion } from "../../services/generator/fleet/fleet.ts";
import { writeManifest } from "../../services/generator/run/manifest_file.ts";
import { FaultRun, seed } from "../support/fault_run.ts";
import type { RawMessage } from "../support/raw_publisher.ts";
import { shuffled } from "../support/shuffled.ts";
import { waitUntil } from "../support/wait_until.ts";

const devices = 300;
/** Turns of each device: before it is known, and in each round after. */
const earlyTurns = 20;
const roundTurns = 100;
const strangers = 100_000;
/**
 * How many times as long a reading may take, and how often that is tried: others
 * may use the machine, and more at one time than at another.
 */
const slowerAtMost = 3;
const tries = 3;

Deno.test("Readings wait for their devices, and those that wait for ever slow no other", async () => {
  await using run = await FaultRun.open({
    devices,
    perSecond: devices,
    backendEnv: { APP_BACKEND_INGEST_BATCH_SIZE: "1000" },
  });
  const fleet = new Fleet(seed);
  const startUs = (Math.floor(Date.now() / 1_000) - 3_600) * 1_000_000;
  const intervalUs = 1_000_000;
  const readings = (from: number, count: number): RawMessage[] =>
    Array.from({ length: devices * count }, (_, at) => {
      const index = at % devices;
      const turn = from + Math.floor(at / devices);
      const phaseUs = Math.floor(index * intervalUs / devices);
      const reading = fleet.reading(index, startUs + phaseUs + turn * intervalUs);
      return { queue: "sensor-data", body: toBinary(SensorReadingSchema, reading) };
    });
  const announcements = Array.from({ length: devices }, (_, index) => ({
    queue: "device-data",
    body: toBinary(IoTDeviceSchema, fleet.device(index, startUs / 1_000_000)),
  }));
  await using publisher = await run.servers.openPublisher();
  const parked = async () => {
    return await run.servers.number("select count(*) from parked_readings");
  };

  let backend = await run.startBackend();
  const early = shuffled(readings(0, earlyTurns));
  const before = early.splice(0, early.length / 2);
  await publisher.publish(before);
  await waitUntil(async () => await parked() === before.length, {
    what: "the early readings to be parked",
  });
  await publisher.publish(shuffled([...early, ...announcements]));
  await run.stores(devices * earlyTurns);
  assert.equal(await parked(), 0);

  let rounds = 0;
  /** Publishes a round while no backend runs, then times its drain; in ms a message. */
  const drain = async (others: readonly RawMessage[]) => {
    assert.equal((await run.endBackend(backend, "SIGTERM")).code, 0);
    const from = earlyTurns + rounds++ * roundTurns;
    const messages = [...readings(from, roundTurns), ...others];
    await publisher.publish(others.length === 0 ? messages : shuffled(messages));
    backend = await run.startBackend();
    const startedMs = performance.now();
    await run.stores(devices * (from + roundTurns));
    const tookMs = performance.now() - startedMs;
    await run.drained();
    return tookMs / messages.length;
  };
  const slow: string[] = [];
  let asked = 0;
  do {
    const alone = await drain([]);
    const among = await drain(Array.from({ length: strangers }, () => stranger(asked++)));
    const after = await drain([]);
    if (Math.max(among, after) < slowerAtMost * alone) break;
    slow.push(`${alone} ms a message alone, ${among} among strangers, ${after} after them`);
  } while (slow.length < tries);
  assert(slow.length < tries, slow.join("; "));

  const turns = earlyTurns + rounds * roundTurns;
  await writeManifest(run.manifest, {
    model: modelVersion,
    seed,
    devices,
    startUs,
    intervalUs,
    count: turns,
    confirmedUntilUs: undefined,
  });
  await run.finish({ readings: devices * turns, parked: asked });
});

/** A reading of one of a thousand devices that never say who they are. */
function stranger(at: number): RawMessage {
  const reading = create(SensorReadingSchema, {
    deviceId: `stranger-${at % 1_000}`,
    timestamp: BigInt(1_700_000_000 + at),
    temperature: 20,
    humidity: 50,
    pressure: 1_000,
    batteryLevel: 80,
  });
  return { queue: "sensor-data", body: toBinary(SensorReadingSchema, reading) };
}
