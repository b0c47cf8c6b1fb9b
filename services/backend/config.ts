import { brokerUrl } from "#shared/broker/broker_url.ts";
import { logSettings } from "#shared/config/log_settings.ts";
import type { ConfigOf } from "#shared/config/setting.ts";
import {
  directoryPath,
  duration,
  durationOr,
  listenHost,
  listenPort,
  oneOf,
  secretText,
  secretUrl,
  text,
  trueOrFalse,
  voiding,
  wholeNumber,
} from "#shared/config/setting_kinds.ts";
import { apiLimits } from "./rpc_server/api_limits.ts";

const databaseParts = ["host", "port", "user", "password", "database"];

export const databaseSettings = {
  url: voiding(
    secretUrl(["postgres:", "postgresql:", "pglite:"], {
      doc: "database, in place of the parts below: postgres://… or pglite://PATH",
      default: undefined,
    }),
    ({ protocol }) => ({
      settings: protocol === "pglite:" ? [...databaseParts, "max_connections"] : databaseParts,
      instead: "postgres://USER:PASSWORD@HOST:PORT/DATABASE",
    }),
  ),
  host: text({ doc: "PostgreSQL host", default: "localhost", placeholder: "host" }),
  port: wholeNumber({ doc: "PostgreSQL port", default: 5432, min: 1, max: 65_535 }),
  user: text({ doc: "PostgreSQL role", default: "postgres" }),
  password: secretText({ doc: "PostgreSQL password", default: "postgres" }),
  database: text({ doc: "PostgreSQL database", default: "iot_db" }),
  max_connections: wholeNumber({
    doc: "connections to PostgreSQL, at most; of a backend, 3 and one a writer are not for queries",
    default: 10,
    min: 2,
    max: 1_000,
  }),
};

export const parkedBoundsSettings = {
  max_age: duration({
    doc: "longest that a reading waits for its device, before it goes to the dead letters",
    default: "30d",
    minMs: 1_000,
    maxMs: 3_650 * 86_400_000,
  }),
  max_readings: wholeNumber({
    doc: "readings that wait for their devices, at most; the oldest go to the dead letters",
    default: 1_000_000,
    min: 1,
    max: 1_000_000_000,
  }),
};

export const historySettings = {
  compaction: voiding(
    trueOrFalse({
      doc: "readings of days that are over are packed, into 2 % of the space",
      default: true,
    }),
    (compaction) => compaction ? undefined : { settings: ["after"], instead: "true" },
  ),
  after: duration({
    doc: "how long after its end a day is packed; what comes later is packed by and by",
    default: "7d",
    minMs: 86_400_000,
    maxMs: 3_650 * 86_400_000,
  }),
};

const dayMs = 86_400_000;

/** How long what is stored is kept. */
export const keptSettings = {
  raw: durationOr("forever", {
    doc: "how long readings stay as rows: from then on they are packed, or dropped, by whole days",
    default: "10y",
    minMs: dayMs,
  }),
  history: durationOr("forever", {
    doc: "how long packed readings are kept; dropped by whole months",
    default: "10y",
    minMs: dayMs,
  }),
  minute: durationOr("forever", {
    doc: "how long rollups by minute are kept; dropped by whole months",
    default: "90d",
    minMs: dayMs,
  }),
  hour: durationOr("forever", {
    doc: "how long rollups by hour are kept; dropped by whole years",
    default: "forever",
    minMs: dayMs,
  }),
  day: durationOr("forever", {
    doc: "how long rollups by day are kept; dropped by whole years",
    default: "forever",
    minMs: dayMs,
  }),
};

export const retentionSettings = {
  ...keptSettings,
  archive: directoryPath({
    doc: "where readings are written to before they are dropped, as a Parquet file a day",
    default: undefined,
  }),
};

export const backendSettings = {
  log: logSettings,
  backend: {
    host: listenHost(),
    grpc_port: listenPort({ doc: "port of the gRPC/Connect API", default: 50051 }),
    metrics_port: listenPort({ doc: "port of /metrics, /healthz, /readyz", default: 9090 }),
    db: {
      ...databaseSettings,
      query_timeout: duration({
        doc: "longest that a query may take in PostgreSQL, which then ends it, or wait for PGlite",
        default: "10s",
        minMs: 100,
      }),
    },
    api: {
      max_connections: wholeNumber({
        doc: "connections of clients, at most; the one idle for longest gives way to a new one",
        default: apiLimits.maxConnections,
        min: 1,
        max: 100_000,
      }),
      max_calls: wholeNumber({
        doc: "calls in hand, at most, half of them streams; further ones get RESOURCE_EXHAUSTED",
        default: apiLimits.maxCalls,
        min: 1,
        max: 100_000,
      }),
      call_timeout: duration({
        doc: "longest that a unary call may take; a client's shorter deadline holds",
        default: `${apiLimits.callMs / 1_000}s`,
        minMs: 100,
      }),
      max_unread_mb: wholeNumber({
        doc: "MB of answers that clients have not read; what is past it ends those that stall",
        default: apiLimits.maxUnreadBytes / 2 ** 20,
        min: 1,
        max: 100_000,
      }),
    },
    rabbitmq: {
      url: brokerUrl("broker to consume from", ["queue_type", "queue_durable"]),
      sensor_queue: text({ doc: "queue of readings", default: "sensor-data" }),
      device_queue: text({ doc: "queue of devices", default: "device-data" }),
      queue_durable: trueOrFalse({ doc: "queues outlive a broker restart", default: true }),
      queue_type: oneOf(["classic", "quorum"], { doc: "type of the queues", default: "classic" }),
      prefetch: wholeNumber({
        doc: "messages in hand at once, at least batch_size",
        default: 5_000,
        min: 1,
        max: 65_535,
      }),
    },
    // By `deno task bench:ingest --vary`: a batch, a prefetch or writers twice as large are no
    // faster, half as large cost 5 % more CPU. A wait of 50 ms doubles the latency and saves 14 %
    // of the CPU at 1,000 readings/s, 2 % at 5,000; one of 10 ms costs 6 % for a third less latency.
    ingest: {
      batch_size: wholeNumber({
        doc: "rows a write, at most",
        default: 1_000,
        min: 1,
        max: 10_000,
      }),
      batch_wait: duration({
        doc: "longest that a row waits for its batch to fill",
        default: "20ms",
        minMs: 1,
      }),
      writers: wholeNumber({
        doc: "writes under way at once, at most",
        default: 2,
        min: 1,
        max: 32,
      }),
      last_seen_interval: duration({
        doc:
          "least time between two writes of a device's row; they take 5 % at most, and the API " +
          "tells what they do not yet",
        default: "2s",
        minMs: 1,
      }),
      sweep_interval: duration({
        doc: "time between two looks for parked readings whose device is known, or that must go",
        default: "10s",
        minMs: 100,
      }),
    },
    parked: parkedBoundsSettings,
    partitions: {
      days_ahead: wholeNumber({
        doc: "days after today whose partition of sensor_readings is made ahead",
        default: 3,
        min: 1,
        max: 365,
      }),
    },
    history: historySettings,
    retention: retentionSettings,
  },
};

export type BackendConfig = ConfigOf<typeof backendSettings>["backend"];
/** What says which readings go, and where to. */
export interface RetentionConfig {
  readonly history: BackendConfig["history"];
  readonly retention:
    & Pick<BackendConfig["retention"], "rawMs" | "historyMs">
    & Partial<Pick<BackendConfig["retention"], "archive">>;
}
export type DatabaseConfig = Omit<BackendConfig["db"], "queryTimeoutMs">;
