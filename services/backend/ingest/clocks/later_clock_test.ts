import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { Registry } from "prom-client";
import { SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { eachDatabase } from "../../../../tests/support/each_database.ts";
import { keptLog } from "../../../../tests/support/log_lines.ts";
import { databaseClock } from "../../store/connection/database_clock.ts";
import { decodeReading } from "../decode_reading.ts";
import { LaterClock } from "./later_clock.ts";

const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 10, 24, 12);

/** A clock on a machine of which the test turns the hands. */
function clockAt({ wallMs, databaseMs }: { wallMs: number; databaseMs: number }) {
  const { log, lines } = keptLog();
  const registry = new Registry();
  /** What passes while the database is asked, and whether it answers. */
  const hands = { wallMs, steadyMs: 5, databaseMs, askingMs: 0, away: false };
  const pass = (ms: number) => {
    hands.wallMs += ms;
    hands.steadyMs += ms;
    hands.databaseMs += ms;
  };
  const clock = new LaterClock({
    askDatabase() {
      if (hands.away) return Promise.reject(new Error("no database"));
      pass(hands.askingMs / 2);
      const answer = hands.databaseMs;
      pass(hands.askingMs / 2);
      return Promise.resolve(answer);
    },
    clocks: { wallMs: () => hands.wallMs, steadyMs: () => hands.steadyMs },
    registry,
    log,
  });
  const offset = async () => {
    const text = await registry.getSingleMetricAsString("clock_offset_seconds");
    return Number(text.split(" ").at(-1));
  };
  return { clock, hands, pass, lines, offset };
}

Deno.test("LaterClock lets a machine that is two days slow take today's readings, and says so", async () => {
  const { clock, hands, lines, offset } = clockAt({ wallMs: nowMs - 2 * dayMs, databaseMs: nowMs });
  const body = toBinary(
    SensorReadingSchema,
    create(SensorReadingSchema, {
      deviceId: "d",
      timestamp: BigInt(nowMs / 1_000),
      pressure: 1_000,
    }),
  );
  assert.throws(() => decodeReading(body, hands.wallMs), { reason: "from_future" });
  await clock.look();
  assert.equal(decodeReading(body, clock.nowMs()).micros, nowMs * 1_000);
  assert.equal(clock.nowMs(), nowMs);
  assert.equal(await offset(), 2 * 86_400);
  assert.deepEqual(lines, [{
    level: "error",
    message: "This machine's clock and the database's are far apart; the later one holds",
    fields: { offsetSeconds: 2 * 86_400 },
  }]);
});

Deno.test("LaterClock goes by the machine's clock where the database's is slow, or never answered", async () => {
  const { clock, hands, lines, offset } = clockAt({ wallMs: nowMs, databaseMs: nowMs - dayMs });
  hands.away = true;
  await clock.look();
  assert.equal(clock.nowMs(), nowMs);
  assert.deepEqual(lines.map(({ level }) => level), ["warning"]);
  hands.away = false;
  await clock.look();
  assert.equal(clock.nowMs(), nowMs);
  assert.equal(await offset(), -86_400);
  assert.equal(lines.at(-1)!.level, "error");
});

Deno.test("LaterClock goes on by itself while the database is away, and when somebody sets the machine's", async () => {
  const { clock, hands, pass } = clockAt({ wallMs: nowMs, databaseMs: nowMs + 500 });
  await clock.look();
  hands.away = true;
  pass(7_000);
  await clock.look();
  hands.wallMs -= 3 * dayMs;
  assert.equal(clock.nowMs(), nowMs + 7_500);
});

Deno.test("LaterClock says nothing of clocks that agree, however long the database takes", async () => {
  const { clock, hands, lines, offset } = clockAt({ wallMs: nowMs, databaseMs: nowMs });
  await clock.look();
  hands.askingMs = 100_000;
  await clock.look();
  assert.equal(await offset(), 0);
  // It can be told no better than to half of the time that the answer took.
  hands.databaseMs += 80_000;
  hands.askingMs = 50_000;
  await clock.look();
  assert.deepEqual(lines, []);
});

Deno.test("LaterClock logs clocks that stay apart now and then, and when they agree again", async () => {
  const { clock, hands, lines } = clockAt({ wallMs: nowMs, databaseMs: nowMs - dayMs });
  for (let look = 0; look < 41; look++) await clock.look();
  assert.deepEqual(lines.map(({ level }) => level), ["error", "error", "error"]);
  hands.databaseMs = hands.wallMs;
  for (let look = 0; look < 3; look++) await clock.look();
  assert.deepEqual(lines.slice(3).map(({ level }) => level), ["info"]);
});

eachDatabase("databaseClock", {
  async "shows the same as the database says in words"(db) {
    const [before, asked, after] = [
      await databaseClock(db),
      await databaseClock(db),
      await databaseClock(db),
    ];
    assert.ok(before <= asked && asked <= after);
    assert.ok(before > Date.UTC(2024, 0));
  },
});
