import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { deadLetterHeaders } from "../../services/backend/ingest/letters/dead_letters.ts";
import { FaultRun } from "../support/fault_run.ts";
import { type MalformedReading, malformedReadings } from "../support/malformed_readings.ts";

const good = 100_000;
const malformed = 20_000;
const hugeEvery = 5_000;
const indexHeader = "x-malformed-index";

Deno.test("Every malformed message is dead-lettered as it came, and every good one stored", async () => {
  await using run = await FaultRun.open({ devices: 500, perSecond: 10_000 });
  const sent: MalformedReading[] = [];
  await run.startBackend();
  run.startGenerator();
  {
    await using publisher = await run.servers.openPublisher();
    await publisher.publish(
      malformedReadings(malformed, hugeEvery).map((reading, index) => {
        sent.push(reading);
        return { queue: "sensor-data", body: reading.body, headers: { [indexHeader]: index } };
      }),
    );
  }
  await run.finish({ readings: good, deadLetters: malformed });

  await using consumer = await run.servers.openPublisher();
  const seen = new Set<number>();
  await consumer.takeAll("sensor-data.dead", (body, headers) => {
    const index = Number(headers[indexHeader]);
    assert(!seen.has(index), `message ${index} is there twice`);
    seen.add(index);
    const { body: original, reasons } = sent[index]!;
    assert(Buffer.from(body).equals(original), `message ${index} was altered`);
    const reason = String(headers[deadLetterHeaders.reason]);
    assert(reasons.includes(reason), `message ${index}: ${reason}, not ${reasons}`);
    assert(String(headers[deadLetterHeaders.detail]).length > 0);
    assert(Date.parse(String(headers[deadLetterHeaders.time])) > 0);
  });
  assert.equal(seen.size, malformed);
});
