import assert from "node:assert/strict";
import { status } from "@grpc/grpc-js";
import { getLogger } from "@logtape/logtape";
import fc from "fast-check";
import { type Kysely, sql } from "kysely";
import { Registry } from "prom-client";
import { defaultTenant } from "#shared/telemetry/tenant.ts";
import { eachDatabase, postgresTest } from "../../../tests/support/each_database.ts";
import {
  GrpcJsClient,
  iotService as loadedService,
} from "../../../tests/support/grpc_js_client.ts";
import { device, noonSeconds, readingRow } from "../../../tests/support/store_rows.ts";
import { serveApi } from "../rpc_server/serve_api.ts";
import type { Database, QueryHandle } from "../store/database.ts";
import { writeDevices } from "../store/devices/write_devices.ts";
import { writeReadings } from "../store/readings/write_readings.ts";
import { unmarked } from "../../../tests/support/unmarked.ts";
import { iotService, translateStoreError } from "./iot_service.ts";

/** As proto-loader gives them: 64-bit integers as text. */
interface Reading {
  readonly deviceId: string;
  readonly timestamp: string;
  readonly nanos: number;
  readonly temperature: number;
  readonly humidity: number;
  readonly pressure: number;
  readonly batteryLevel: number;
}

interface Device {
  readonly deviceId: string;
  readonly latitude: number;
  readonly lastSeen: string;
}

interface DevicePage {
  readonly devices: readonly Device[];
  readonly latestReadings: readonly Reading[];
  readonly typicalIntervalSeconds: readonly number[];
  readonly nextPageToken: string;
}

interface ReadingPage {
  readonly readings: readonly Reading[];
  readonly nextPageToken: string;
}

/** The service over a real port, and a client of it that nobody here wrote. */
async function serveQueries(queries: QueryHandle) {
  const open = new AsyncDisposableStack();
  const api = open.use(
    await serveApi({
      host: "127.0.0.1",
      port: 0,
      portKey: "backend.grpc_port",
      routes: iotService({ queries, lagging: unmarked() }),
      health: { ready: () => true },
      translate: translateStoreError,
      registry: new Registry(),
      log: getLogger("iot-service-test"),
    }),
  );
  const client = open.use(new GrpcJsClient(api.port, loadedService()));
  return {
    url: api.url,
    getAllDevice: (request: object) => client.unary<DevicePage>("GetAllDevice", request),
    getDevice: (deviceId: string) => client.unary<{ device: Device }>("GetDevice", { deviceId }),
    getReadings: (request: object) =>
      client.unary<ReadingPage>("GetSensorReadingByDeviceID", request),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

const serve = (db: Kysely<Database>) => serveQueries({ run: (_signal, work) => work(db) });

const invalid = { code: status.INVALID_ARGUMENT };
const ids = (page: DevicePage) => page.devices.map(({ deviceId }) => deviceId);

eachDatabase("IoTService", {
  async "GetAllDevice gives every device, or pages of them that meet"(db) {
    await using api = await serve(db);
    assert.deepEqual(await api.getAllDevice({}), {
      devices: [],
      latestReadings: [],
      typicalIntervalSeconds: [],
      nextPageToken: "",
    });
    const known = Array.from({ length: 25 }, (_, at) => `device ${String(at).padStart(2, "0")} 🌡`);
    await writeDevices(db, defaultTenant, known.map((id) => device(id)));
    assert.deepEqual(ids(await api.getAllDevice({})), known);
    for (const pageSize of [1, 5, 24, 25, 26, 2_147_483_647]) {
      const found: string[] = [];
      for (let pageToken = "", first = true; first || pageToken !== ""; first = false) {
        const page = await api.getAllDevice({ pageSize, pageToken });
        assert.ok(page.devices.length > 0 && page.devices.length <= pageSize);
        found.push(...ids(page));
        pageToken = page.nextPageToken;
      }
      assert.deepEqual(found, known, `pages of ${pageSize}`);
    }
    await assert.rejects(api.getAllDevice({ pageSize: -1 }), invalid);
    await assert.rejects(api.getAllDevice({ pageToken: "forged" }), invalid);
  },

  async "GetAllDevice reads every device in pages, for binary clients and JSON"(db) {
    await using api = await serve(db);
    const known = Array.from({ length: 2_500 }, (_, at) => `device ${String(at).padStart(4, "0")}`);
    await writeDevices(db, defaultTenant, known.map((id) => device(id)));
    await writeReadings(
      db,
      defaultTenant,
      ["device 0000", "device 1000", "device 2499"].map((id) => readingRow(id)),
    );
    const whole = await api.getAllDevice({ withLatestReading: true });
    assert.deepEqual(ids(whole), known);
    const withReading = whole.latestReadings.map(({ deviceId }) => deviceId);
    assert.deepEqual(withReading, ["device 0000", "device 1000", "device 2499"]);
    assert.equal(whole.nextPageToken, "");
    const response = await fetch(`${api.url}/iot.v1.IoTService/GetAllDevice`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ withLatestReading: true }),
    });
    const page: DevicePage = await response.json();
    assert.deepEqual(ids(page), known);
    assert.deepEqual(page.latestReadings.map(({ deviceId }) => deviceId), withReading);
    // From a token on, there is no first page and no last size either.
    const { nextPageToken } = await api.getAllDevice({ pageSize: 1_000 });
    assert.deepEqual(ids(await api.getAllDevice({ pageToken: nextPageToken })), known.slice(1_000));
  },

  async "GetAllDevice gives each device's newest reading, in the same order"(db) {
    await using api = await serve(db);
    await writeDevices(db, defaultTenant, ["a", "b", "c"].map((id) => device(id)));
    await writeReadings(db, defaultTenant, [
      readingRow("c", { nanos: 1 }),
      readingRow("a", { nanos: 999_999_999, temperature: -1.5 }),
      readingRow("a", { nanos: 999_999_998 }),
    ]);
    const { devices, latestReadings } = await api.getAllDevice({ withLatestReading: true });
    assert.equal(devices.length, 3);
    assert.deepEqual(
      latestReadings.map(({ deviceId, nanos }) => [deviceId, nanos]),
      [["a", 999_999_999], ["c", 1]],
    );
    const paged = await api.getAllDevice({ withLatestReading: true, pageSize: 1 });
    assert.deepEqual(paged.latestReadings.map(({ deviceId }) => deviceId), ["a"]);
    assert.deepEqual((await api.getAllDevice({})).latestReadings, []);
  },

  async "GetAllDevice says how often each device reports, where it has done so"(db) {
    await using api = await serve(db);
    await writeDevices(db, defaultTenant, ["fast", "new", "none", "slow"].map((id) => device(id)));
    await writeReadings(
      db,
      defaultTenant,
      [0, 1, 2, 3].flatMap((at) => [
        readingRow("fast", {
          seconds: noonSeconds - Math.ceil(1.5 * at),
          nanos: 500_000_000 * (at % 2),
        }),
        readingRow("slow", { seconds: noonSeconds - 600 * at }),
      ]),
    );
    await writeReadings(db, defaultTenant, [readingRow("new")]);
    const { latestReadings, typicalIntervalSeconds } = await api.getAllDevice({
      withLatestReading: true,
    });
    assert.deepEqual(latestReadings.map(({ deviceId }) => deviceId), ["fast", "new", "slow"]);
    assert.deepEqual(typicalIntervalSeconds, [1.5, 0, 600]);
  },

  async "last_seen is that of the newest reading, as soon as it is stored"(db) {
    await using api = await serve(db);
    await writeDevices(db, defaultTenant, [device("a"), device("b")]);
    const ahead = Math.floor(Date.now() / 1_000) + 3_600;
    await writeReadings(db, defaultTenant, [
      readingRow("a", { seconds: noonSeconds + 7, nanos: 999_999_999 }),
      readingRow("a", { seconds: noonSeconds + 5 }),
      readingRow("a", { seconds: ahead }),
      readingRow("b", { seconds: noonSeconds - 5 }),
    ]);
    const { devices } = await api.getAllDevice({});
    const seen = [String(noonSeconds + 7), String(noonSeconds)];
    assert.deepEqual(devices.map(({ lastSeen }) => lastSeen), seen);
    assert.equal((await api.getDevice("a")).device.lastSeen, seen[0]);
  },

  async "GetDevice gives one device, NOT_FOUND, or INVALID_ARGUMENT"(db) {
    await using api = await serve(db);
    await writeDevices(db, defaultTenant, [
      device("a", { lastSeen: 1_700_000_000n }),
      device("\u{1f321}".repeat(255)),
    ]);
    const { device: found } = await api.getDevice("a");
    assert.deepEqual([found.deviceId, found.lastSeen], ["a", "1700000000"]);
    assert.equal(found.latitude, Math.fround(47.37));
    await api.getDevice("\u{1f321}".repeat(255));
    await assert.rejects(api.getDevice("b"), { code: status.NOT_FOUND });
    await assert.rejects(api.getDevice("A"), { code: status.NOT_FOUND });
    await assert.rejects(api.getDevice("\u{1f322}".repeat(255)), { code: status.NOT_FOUND });
    await assert.rejects(api.getDevice("' or true --"), { code: status.NOT_FOUND });
    await assert.rejects(api.getDevice(""), invalid);
    for (
      const impossible of ["a\0b", " ", "\u200b\u3164", "x".repeat(256), "\u{1f321}".repeat(256)]
    ) {
      await assert.rejects(api.getDevice(impossible), invalid);
      await assert.rejects(api.getReadings({ deviceId: impossible }), invalid);
    }
    await assert.rejects(api.getDevice("x".repeat(60_000)), invalid);
    await assert.rejects(api.getReadings({ deviceId: "\0" }), invalid);
    await assert.rejects(api.getReadings({ deviceId: "x".repeat(60_000) }), invalid);
  },

  async "GetSensorReadingByDeviceID gives every number as it was measured"(db) {
    await using api = await serve(db);
    await writeDevices(db, defaultTenant, [device("a")]);
    await writeReadings(db, defaultTenant, [
      readingRow("a", {
        seconds: 946_684_800,
        nanos: 123_456_789,
        temperature: 0.1 + 0.2,
        humidity: 5e-324,
        pressure: 1_099.9999999999998,
        batteryLevel: 100 / 3,
      }),
    ]);
    const { readings, nextPageToken } = await api.getReadings({ deviceId: "a" });
    assert.equal(nextPageToken, "");
    assert.deepEqual(readings, [{
      deviceId: "a",
      timestamp: "946684800",
      nanos: 123_456_789,
      temperature: 0.1 + 0.2,
      humidity: 5e-324,
      pressure: 1_099.9999999999998,
      batteryLevel: 100 / 3,
    }]);
  },

  async "GetSensorReadingByDeviceID pages through all readings, newest first"(db) {
    await using api = await serve(db);
    await writeDevices(db, defaultTenant, [device("a"), device("other"), device("silent")]);
    const total = 1_234;
    const rows = Array.from(
      { length: total },
      (_, at) =>
        readingRow("a", { seconds: noonSeconds + Math.floor(at / 10), temperature: at % 10 }),
    );
    await writeReadings(db, defaultTenant, [...rows, readingRow("other")]);
    const sizes: number[] = [];
    for (const pageSize of [0, 9, 1_000, 5_000]) {
      const seen = new Set<string>();
      let last = Infinity;
      for (let pageToken = "", first = true; first || pageToken !== ""; first = false) {
        const page = await api.getReadings({ deviceId: "a", pageSize, pageToken });
        if (first) sizes.push(page.readings.length);
        for (const { deviceId, timestamp, temperature } of page.readings) {
          assert.equal(deviceId, "a");
          assert.ok(Number(timestamp) <= last);
          last = Number(timestamp);
          seen.add(`${timestamp} ${temperature}`);
        }
        pageToken = page.nextPageToken;
      }
      assert.equal(seen.size, total, `pages of ${pageSize}`);
    }
    assert.deepEqual(sizes, [50, 9, 1_000, 1_000]);
    assert.deepEqual(await api.getReadings({ deviceId: "silent" }), {
      readings: [],
      nextPageToken: "",
    });
    await assert.rejects(api.getReadings({ deviceId: "unknown" }), { code: status.NOT_FOUND });
    await assert.rejects(api.getReadings({ deviceId: "" }), invalid);
    await assert.rejects(api.getReadings({ deviceId: "a", pageSize: -2_147_483_648 }), invalid);
  },

  async "GetSensorReadingByDeviceID refuses tokens that were not issued for its device"(db) {
    await using api = await serve(db);
    await writeDevices(db, defaultTenant, [device("a"), device("b")]);
    await writeReadings(
      db,
      defaultTenant,
      ["a", "b"].flatMap((id) => [1, 2, 3].map((nanos) => readingRow(id, { nanos }))),
    );
    const page = await api.getReadings({ deviceId: "a", pageSize: 1 });
    const { nextPageToken: pageToken } = page;
    await api.getReadings({ deviceId: "a", pageToken });
    await assert.rejects(api.getReadings({ deviceId: "b", pageToken }), invalid);
    await assert.rejects(api.getAllDevice({ pageToken }), invalid);
    const { nextPageToken: devices } = await api.getAllDevice({ pageSize: 1 });
    await assert.rejects(api.getReadings({ deviceId: "a", pageToken: devices }), invalid);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", minLength: 1 }), async (pageToken) => {
        await assert.rejects(api.getReadings({ deviceId: "a", pageToken }), invalid);
      }),
    );
  },
});

Deno.test("IoTService refuses what is no request without a session of the database", async () => {
  await using api = await serveQueries({ run: () => assert.fail("a session was taken") });
  await assert.rejects(api.getDevice(""), invalid);
  await assert.rejects(api.getReadings({ deviceId: "" }), invalid);
  await assert.rejects(api.getReadings({ deviceId: "a", pageSize: -1 }), invalid);
  await assert.rejects(api.getReadings({ deviceId: "a", pageToken: "no token" }), invalid);
  await assert.rejects(api.getAllDevice({ pageSize: -1 }), invalid);
  await assert.rejects(api.getAllDevice({ pageToken: "no token" }), invalid);
});

postgresTest("IoTService while the database is away", {
  async "answers a query whose session was lost at the next try"(db) {
    await using api = await serve(db);
    await writeDevices(db, defaultTenant, [device("a")]);
    for (let round = 0; round < 5; round++) {
      await cutOthers(db);
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => api.getDevice("a")),
      );
      assert.ok(answers.every(({ device }) => device.deviceId === "a"));
    }
  },

  async "gives UNAVAILABLE after five tries, and works again afterwards"(db) {
    await writeDevices(db, defaultTenant, [device("a")]);
    let away = true;
    let tries = 0;
    const failing = new Proxy(db, {
      get(target, name) {
        if (name === "selectFrom" && away) {
          tries++;
          throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
        }
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    await using api = await serve(failing);
    await assert.rejects(api.getDevice("a"), { code: status.UNAVAILABLE });
    assert.equal(tries, 5);
    away = false;
    assert.equal((await api.getDevice("a")).device.deviceId, "a");
  },

  async "says nothing of a missing table but that the fault is here"(db) {
    await using api = await serve(db);
    await sql`alter table iot_devices rename to elsewhere`.execute(db);
    await assert.rejects(api.getDevice("a"), {
      code: status.INTERNAL,
      details: "internal error",
    });
    await sql`alter table elsewhere rename to iot_devices`.execute(db);
    await assert.rejects(api.getDevice("a"), { code: status.NOT_FOUND });
  },
});

/** Ends every other session of this database, as a restart does. */
async function cutOthers(db: Kysely<Database>): Promise<void> {
  await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`.execute(db);
}
