import assert from "node:assert/strict";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { Registry } from "prom-client";
import { type OutgoingMessage, type Publisher, PublishError } from "#shared/broker/port/broker.ts";
import { UnconfirmedWindow } from "#shared/broker/port/unconfirmed_window.ts";
import { IoTDeviceSchema } from "#shared/gen/iot/v1/device_pb.ts";
import { SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { ExitError } from "#shared/lifecycle/exit_error.ts";
import { ManualClock } from "../../../tests/support/manual_clock.ts";
import { Fleet } from "../fleet/fleet.ts";
import { createGeneratorMetrics } from "../metrics.ts";
import { Producer, type ProducerOptions } from "./producer.ts";

const startUs = 1_768_435_200_000_000;
const hourMs = 3_600_000;

type Answer = "confirm" | "hold" | Error;

/** A publisher whose broker answers as the test says. */
class ScriptedPublisher implements Publisher {
  readonly window: UnconfirmedWindow;
  readonly devices: { readonly deviceId: string; readonly lastSeen: number }[] = [];
  /** Readings that the broker took, as `device@microseconds`. */
  readonly readings: string[] = [];
  readonly bodies: Uint8Array[] = [];
  answer: () => Answer = () => "confirm";
  mostUnconfirmed = 0;
  #held: (() => void)[] = [];
  #full = Promise.withResolvers<void>();

  constructor(maxUnconfirmed: number) {
    this.window = new UnconfirmedWindow(maxUnconfirmed);
  }

  get unconfirmed(): number {
    return this.window.size;
  }

  /** Resolves once the producer waits for room. */
  full(): Promise<void> {
    this.#full = Promise.withResolvers<void>();
    return this.#full.promise;
  }

  /** Confirms what was held. */
  release(): void {
    for (const confirm of this.#held.splice(0)) confirm();
  }

  async publish(queue: string, { body }: OutgoingMessage): Promise<void> {
    this.window.enter();
    this.mostUnconfirmed = Math.max(this.mostUnconfirmed, this.window.size);
    try {
      const answer = this.answer();
      if (answer instanceof Error) throw answer;
      if (answer === "hold") await new Promise<void>((confirm) => this.#held.push(confirm));
      if (queue === "devices") {
        const { deviceId, lastSeen } = fromBinary(IoTDeviceSchema, body);
        this.devices.push({ deviceId, lastSeen: Number(lastSeen) });
      } else {
        assert.equal(queue, "readings");
        const { deviceId, timestamp, nanos } = fromBinary(SensorReadingSchema, body);
        this.readings.push(`${deviceId}@${Number(timestamp) * 1_000_000 + nanos / 1_000}`);
        this.bodies.push(body);
      }
    } finally {
      this.window.leave();
    }
  }

  room(): Promise<void> {
    this.#full.resolve();
    return this.window.room();
  }

  async [Symbol.asyncDispose]() {}
}

function scenario(overrides: Partial<ProducerOptions> = {}) {
  const clock = new ManualClock(startUs);
  const registry = new Registry();
  const publisher = new ScriptedPublisher(overrides.maxUnconfirmed ?? 100);
  const warnings: string[] = [];
  const producers: Producer[] = [];
  const metrics = createGeneratorMetrics(registry, producers);
  const fleet = new Fleet(1);
  const producer = new Producer({
    publisher,
    maxUnconfirmed: 100,
    fleet,
    deviceQueue: "devices",
    sensorQueue: "readings",
    startUs,
    fromUs: undefined,
    intervalUs: 1_000_000,
    count: undefined,
    devices: 7,
    share: 0,
    shares: 1,
    clock,
    metrics,
    log: { info() {}, warning: (message) => void warnings.push(message) },
    ...overrides,
  });
  producers.push(producer);
  const stop = new AbortController();
  const value = async (name: string) =>
    (await registry.getSingleMetric(name)!.get()).values.reduce((sum, { value }) => sum + value, 0);
  return { clock, publisher, producer, stop, warnings, value, fleet };
}

/** The readings due from the start until `untilUs`, of the devices that a share has. */
function due(fleet: Fleet, untilUs: number, devices = 7, owned = (_: number) => true): string[] {
  const turns: string[] = [];
  for (let device = 0; device < devices; device++) {
    const { deviceId } = fleet.device(device, 0);
    const phaseUs = Math.floor(device * 1_000_000 / devices);
    for (let dueUs = startUs + phaseUs; dueUs <= untilUs; dueUs += 1_000_000) {
      if (owned(device)) turns.push(`${deviceId}@${dueUs}`);
    }
  }
  return turns.sort();
}

Deno.test("Producer publishes its devices first, then readings when they are due", async () => {
  const { clock, publisher, producer, stop, value, fleet } = scenario();
  const running = producer.run(stop.signal);
  await clock.asleep();
  assert.deepEqual(
    publisher.devices,
    Array.from({ length: 7 }, (_, index) => ({
      deviceId: fleet.device(index, 0).deviceId,
      lastSeen: startUs / 1_000_000,
    })),
  );
  assert.equal(publisher.readings.length, 1);
  clock.advance(1_000);
  await clock.asleep();
  assert.deepEqual([...publisher.readings].sort(), due(fleet, startUs + 1_000_000));
  stop.abort();
  await running;
  assert.equal(await value("generator_devices_published_total"), 7);
  assert.equal(await value("generator_readings_published_total"), 8);
  assert.equal(await value("generator_publish_failures_total"), 0);
});

Deno.test("Producers of one fleet share its devices without overlap", async () => {
  const published: string[] = [];
  for (let share = 0; share < 3; share++) {
    const { clock, publisher, producer, stop, fleet } = scenario({ share, shares: 3 });
    const running = producer.run(stop.signal);
    await clock.asleep();
    clock.advance(5_000);
    await clock.asleep();
    stop.abort();
    await running;
    const own = (device: number) => device % 3 === share;
    assert.deepEqual([...publisher.readings].sort(), due(fleet, startUs + 5_000_000, 7, own));
    published.push(...publisher.readings);
  }
  assert.deepEqual(published.sort(), due(new Fleet(1), startUs + 5_000_000));
});

Deno.test("Producer skips and doubles no reading over an outage, and holds no more than its window", async () => {
  const { clock, publisher, producer, stop, value, fleet } = scenario({ maxUnconfirmed: 5 });
  const running = producer.run(stop.signal);
  await clock.asleep();
  for (let second = 0; second < 5; second++) {
    clock.advance(1_000);
    await clock.asleep();
  }
  publisher.answer = () => "hold";
  const full = publisher.full();
  clock.advance(600_000);
  await full;
  assert.equal(await value("generator_unconfirmed"), 5);
  assert.ok(await value("generator_lag_seconds") > 599);
  publisher.answer = () => "confirm";
  publisher.release();
  await clock.asleep();
  assert.equal(await value("generator_lag_seconds"), 0);
  clock.advance(2_000);
  await clock.asleep();
  stop.abort();
  await running;
  assert.deepEqual([...publisher.readings].sort(), due(fleet, startUs + 607_000_000));
  assert.equal(publisher.mostUnconfirmed, 5);
});

Deno.test("Producer publishes the readings that the fleet computes for their instants", async () => {
  const { clock, publisher, producer, stop, fleet } = scenario();
  const running = producer.run(stop.signal);
  await clock.asleep();
  clock.advance(3_000);
  await clock.asleep();
  stop.abort();
  await running;
  const wanted = new Set<string>();
  for (let device = 0; device < 7; device++) {
    for (let cycle = 0; cycle <= 3; cycle++) {
      const dueUs = startUs + Math.floor(device * 1_000_000 / 7) + cycle * 1_000_000;
      wanted.add(toBinary(SensorReadingSchema, fleet.reading(device, dueUs)).toHex());
    }
  }
  assert.ok(publisher.bodies.length > 20);
  for (const body of publisher.bodies) assert.ok(wanted.has(body.toHex()));
});

Deno.test("Producer sends refused messages again, with one warning a batch", async () => {
  const { clock, publisher, producer, stop, warnings, value, fleet } = scenario();
  let refusals = 60;
  publisher.answer = () => refusals-- > 0 ? new PublishError("refused") : "confirm";
  const running = producer.run(stop.signal);
  // A device at a time until the first outcome is known, then whole batches: all with a backoff.
  for (let round = 0; publisher.readings.length < 8 && round < 200; round++) {
    await clock.asleep();
    clock.advance(1_000);
  }
  await clock.asleep();
  stop.abort();
  await running;
  assert.equal(publisher.devices.length, 7);
  assert.equal(new Set(publisher.readings).size, publisher.readings.length);
  const instants = publisher.readings.map((reading) => Number(reading.split("@")[1]));
  const [first, last] = [Math.min(...instants), Math.max(...instants)];
  const wanted = due(fleet, last).filter((reading) => Number(reading.split("@")[1]) >= first);
  assert.deepEqual([...publisher.readings].sort(), wanted);
  assert.equal(await value("generator_publish_failures_total"), 60);
  assert.ok(warnings.length >= 1 && warnings.length < 30, `${warnings.length} warnings`);
});

Deno.test("Producer waits at its stop for what is not yet confirmed", async () => {
  const { clock, publisher, producer, stop } = scenario();
  const running = producer.run(stop.signal);
  await clock.asleep();
  publisher.answer = () => "hold";
  clock.advance(1_000);
  await clock.asleep();
  const confirmed = publisher.readings.length;
  assert.equal(publisher.unconfirmed, 7);
  stop.abort();
  // The timer of the drain, and no other, sleeps.
  await clock.asleep();
  publisher.release();
  await running;
  assert.equal(publisher.readings.length, confirmed + 7);
  assert.equal(producer.unconfirmed, 0);
});

Deno.test("Producer sends what was refused at its stop again before it ends", async () => {
  const { clock, publisher, producer, stop, fleet } = scenario();
  const running = producer.run(stop.signal);
  await clock.asleep();
  publisher.answer = () => new PublishError("refused");
  clock.advance(1_000);
  await clock.asleep();
  stop.abort();
  publisher.answer = () => "confirm";
  // The timer of the drain, and the backoff before sending again.
  await clock.asleep(2);
  clock.advance(1_000);
  await running;
  assert.deepEqual([...publisher.readings].sort(), due(fleet, startUs + 1_000_000));
});

Deno.test("Producer gives up after 7 seconds of waiting for a broker that is away", async () => {
  const { clock, publisher, producer, stop } = scenario();
  publisher.answer = () => "hold";
  const running = producer.run(stop.signal);
  await clock.asleep();
  stop.abort();
  await clock.asleep();
  clock.advance(6_999);
  let ended = false;
  const end = running.then(() => ended = true);
  await clock.breathe();
  assert.equal(ended, false);
  clock.advance(1);
  await end;
  assert.equal(producer.unconfirmed, 8);
  publisher.release();
});

Deno.test("Producer ends with the error that no retry can mend", async () => {
  const { publisher, producer, stop } = scenario();
  publisher.answer = () => new ExitError("Cannot use queue devices");
  await assert.rejects(producer.run(stop.signal), ExitError);
});

Deno.test("Producer announces each device once an hour, and once after a longer outage", async () => {
  const said: Record<string, unknown>[] = [];
  const { clock, publisher, producer, stop } = scenario({
    intervalUs: 3_600_000_000,
    log: { info: (_, fields) => said.push(fields), warning() {} },
  });
  const running = producer.run(stop.signal);
  await clock.asleep();
  assert.equal(publisher.devices.length, 7);
  for (let minute = 0; minute < 60; minute++) {
    clock.advance(60_000);
    await clock.asleep();
  }
  assert.equal(publisher.devices.length, 14);
  assert.equal(new Set(publisher.devices.slice(7).map(({ deviceId }) => deviceId)).size, 7);
  clock.advance(5 * hourMs);
  await clock.asleep();
  assert.equal(publisher.devices.length, 21);
  assert.equal(publisher.devices.at(-1)!.lastSeen, startUs / 1_000_000 + 6 * 3_600);
  stop.abort();
  await running;
  // Seven devices, each announced three times.
  const readings = publisher.readings.length;
  assert.deepEqual(said.at(-1), { readings, announcements: 21, unconfirmed: 0 });
});

Deno.test("Producer keeps its devices' rhythm over a restart", async () => {
  const published: string[] = [];
  for (const offsetMs of [0, 2_345]) {
    const clock = new ManualClock(startUs + offsetMs * 1_000);
    const { publisher, producer, stop } = scenario({ clock });
    const running = producer.run(stop.signal);
    await clock.asleep();
    clock.advance(2_000);
    await clock.asleep();
    stop.abort();
    await running;
    published.push(...publisher.readings);
  }
  assert.deepEqual(
    published.sort(),
    due(new Fleet(1), startUs + 4_345_000).filter((reading) => {
      const offsetUs = Number(reading.split("@")[1]) - startUs;
      return offsetUs <= 2_000_000 || offsetUs >= 2_345_000;
    }),
  );
});

Deno.test("Producer with a count publishes the past at once, waits for its turns, and ends", async () => {
  const { clock, publisher, producer, stop, fleet } = scenario({
    startUs: startUs - 3_000_000,
    fromUs: startUs - 3_000_000,
    count: 5,
  });
  const running = producer.run(stop.signal);
  await clock.asleep();
  assert.equal(publisher.readings.length, 3 * 7 + 1);
  clock.advance(hourMs * 3);
  await running;
  const wanted = Array.from({ length: 35 }, (_, turn) => {
    const device = turn % 7;
    const dueUs = startUs - 3_000_000 + Math.floor(turn / 7) * 1_000_000 +
      Math.floor(device * 1_000_000 / 7);
    return `${fleet.device(device, 0).deviceId}@${dueUs}`;
  });
  assert.deepEqual(publisher.readings, wanted);
  // Announced once, with an instant of the run and not of the clock.
  assert.deepEqual(
    publisher.devices.map(({ lastSeen }) => lastSeen),
    Array(7).fill(startUs / 1_000_000 - 3),
  );
  assert.equal(producer.confirmedUntilUs, Infinity);
});

Deno.test("Producer with a count ends only once its last reading is confirmed", async () => {
  const { clock, publisher, producer, stop } = scenario({ fromUs: startUs, count: 1 });
  let refusals = 3;
  publisher.answer = () => {
    if (publisher.readings.length < 6) return "confirm";
    return refusals-- > 0 ? new PublishError("no") : "confirm";
  };
  let ended = false;
  const running = producer.run(stop.signal).then(() => ended = true);
  await clock.asleep();
  clock.advance(2_000);
  for (let refusal = 0; refusal < 3; refusal++) {
    await clock.asleep();
    assert.equal(ended, false);
    clock.advance(20_000);
  }
  await running;
  assert.equal(publisher.readings.length, 7);
});

Deno.test("Producer knows before which instant every reading is confirmed", async () => {
  const { clock, publisher, producer, stop } = scenario();
  const running = producer.run(stop.signal);
  await clock.asleep();
  assert.equal(producer.confirmedUntilUs, startUs + Math.floor(1_000_000 / 7));
  publisher.answer = () => "hold";
  clock.advance(1_000);
  await clock.asleep();
  assert.equal(producer.confirmedUntilUs, startUs + Math.floor(1_000_000 / 7));
  publisher.answer = () => "confirm";
  publisher.release();
  clock.advance(1_000);
  await clock.asleep();
  assert.equal(producer.confirmedUntilUs, startUs + 2_000_000 + Math.floor(1_000_000 / 7));
  stop.abort();
  await running;
});
