import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { type IoTDevice, IoTDeviceSchema } from "#shared/gen/iot/v1/device_pb.ts";
import { IoTService } from "#shared/gen/iot/v1/iot_service_pb.ts";
import { type SensorReading, SensorReadingSchema } from "#shared/gen/iot/v1/reading_pb.ts";
import { typicalInterval } from "#shared/telemetry/typical_interval.ts";

/** A page of `all` and the token of the next; tokens are `at:<index>`. */
function pageOf<Item>(all: readonly Item[], pageToken: string, pageSize: number) {
  const start = pageToken === "" ? 0 : Number(/^at:(\d+)$/.exec(pageToken)?.[1] ?? NaN);
  if (Number.isNaN(start)) throw new ConnectError("bad page token", Code.InvalidArgument);
  const end = pageSize === 0 ? all.length : start + pageSize;
  return { items: all.slice(start, end), nextPageToken: end < all.length ? `at:${end}` : "" };
}

/** What a backend would know, kept in memory, and open to being changed by a test. */
export class FakeBackend {
  readonly devices = new Map<string, IoTDevice>();
  /** By device, newest first. */
  readonly readings = new Map<string, SensorReading[]>();
  /** Queries by method. */
  readonly calls = { getAllDevice: 0, getDevice: 0, getReadings: 0 };
  /** Queries for readings under way, and the most there were; each takes until `hold` is resolved. */
  readonly held = { now: 0, most: 0 };
  hold: Promise<void> | undefined;
  /** Thrown by every query while it is set. */
  failure: ConnectError | undefined;

  addDevice(device: Partial<Omit<IoTDevice, "$typeName">> & { readonly deviceId: string }): void {
    this.devices.set(device.deviceId, create(IoTDeviceSchema, device));
    if (!this.readings.has(device.deviceId)) this.readings.set(device.deviceId, []);
  }

  /** Adds a reading where its instant belongs; `timestamp` in Unix seconds. */
  addReading(
    deviceId: string,
    timestamp: number,
    values: Partial<Pick<SensorReading, "temperature" | "humidity" | "pressure" | "batteryLevel">> =
      {},
  ): void {
    const reading = create(SensorReadingSchema, {
      ...{ temperature: 20, humidity: 50, pressure: 1013.25, batteryLevel: 90 },
      ...values,
      deviceId,
      timestamp: BigInt(timestamp),
    });
    const all = this.readings.get(deviceId) ?? [];
    this.readings.set(deviceId, all);
    const older = all.findIndex((other) => other.timestamp <= reading.timestamp);
    all.splice(older === -1 ? all.length : older, 0, reading);
  }

  readonly routes = (router: ConnectRouter): ConnectRouter =>
    router.service(IoTService, {
      getAllDevice: ({ pageSize, pageToken, withLatestReading }) => {
        this.calls.getAllDevice++;
        this.#mayFail();
        const all = [...this.devices.values()].sort((a, b) => a.deviceId < b.deviceId ? -1 : 1);
        const { items, nextPageToken } = pageOf(all, pageToken, pageSize);
        const latestReadings = withLatestReading
          ? items.flatMap(({ deviceId }) => this.readings.get(deviceId)?.slice(0, 1) ?? [])
          : [];
        const typicalIntervalSeconds = latestReadings.map(({ deviceId }) =>
          typicalInterval(
            this.readings.get(deviceId)!.slice(0, 8).map(({ timestamp }) => Number(timestamp)),
          ) ?? 0
        );
        return { devices: items, nextPageToken, latestReadings, typicalIntervalSeconds };
      },
      getDevice: ({ deviceId }) => {
        this.calls.getDevice++;
        this.#mayFail();
        return { device: this.#known(deviceId) };
      },
      getSensorReadingByDeviceID: async ({ deviceId, pageToken, pageSize }) => {
        this.calls.getReadings++;
        this.#mayFail();
        this.held.most = Math.max(this.held.most, ++this.held.now);
        await this.hold;
        this.held.now--;
        this.#known(deviceId);
        const all = this.readings.get(deviceId) ?? [];
        const { items, nextPageToken } = pageOf(all, pageToken, pageSize || 50);
        return { readings: items, nextPageToken };
      },
    });

  #mayFail(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  #known(deviceId: string): IoTDevice {
    if (deviceId === "") throw new ConnectError("device_id is empty", Code.InvalidArgument);
    const device = this.devices.get(deviceId);
    if (device === undefined) throw new ConnectError("no such device", Code.NotFound);
    return device;
  }
}
