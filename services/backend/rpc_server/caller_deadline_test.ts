import assert from "node:assert/strict";
import { status } from "@grpc/grpc-js";
import { getLogger } from "@logtape/logtape";
import { sql } from "kysely";
import { Registry } from "prom-client";
import { backendConfig } from "../../../tests/support/backend_run.ts";
import {
  GrpcJsClient,
  iotService as loadedService,
} from "../../../tests/support/grpc_js_client.ts";
import { createTestDatabase, postgresUrl } from "../../../tests/support/postgres.ts";
import { unmarked } from "../../../tests/support/unmarked.ts";
import { waitUntil } from "../../../tests/support/wait_until.ts";
import { iotService, translateStoreError } from "../api/iot_service.ts";
import { openBackendDatabase } from "../store/connection/open_database.ts";
import { migrateToLatest } from "../store/schema/migrate.ts";
import { serveApi } from "./serve_api.ts";

const log = getLogger("caller-deadline-test");

Deno.test({
  name: "IoTService ends in the database what a caller's deadline, or leaving, has ended",
  ignore: postgresUrl === undefined,
  async fn() {
    await using server = await createTestDatabase();
    const config = backendConfig({ "db-url": server.url, "db-query-timeout": "600s" });
    await using database = await openBackendDatabase(config, log);
    const { query, ingest, maintenance } = database;
    await migrateToLatest(maintenance, log, { beside: ingest });
    await using api = await serveApi({
      host: "127.0.0.1",
      port: 0,
      portKey: "backend.grpc_port",
      routes: iotService({ queries: query, lagging: unmarked() }),
      health: { ready: () => true },
      translate: translateStoreError,
      registry: new Registry(),
      log,
    });
    using client = new GrpcJsClient(api.port, loadedService());
    const waiting = async () => {
      const { rows } = await sql`select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`.execute(maintenance);
      return rows.length;
    };
    // A query of a device waits for as long as this lock is held.
    await ingest.transaction().execute(async (transaction) => {
      await sql`lock table iot_devices in access exclusive mode`.execute(transaction);
      const late = client.unary("GetDevice", { deviceId: "a" }, { deadline: Date.now() + 500 });
      await assert.rejects(late, { code: status.DEADLINE_EXCEEDED });
      await waitUntil(async () => await waiting() === 0, { what: "the late query to end" });

      let leave = () => {};
      const left = client.unary("GetDevice", { deviceId: "a" }, {}, (call) => {
        leave = () => call.cancel();
      });
      left.catch(() => {});
      await waitUntil(async () => await waiting() === 1, { what: "the query to begin" });
      leave();
      await assert.rejects(left, { code: status.CANCELLED });
      await waitUntil(async () => await waiting() === 0, { what: "the query to end" });
    });
    await assert.rejects(client.unary("GetDevice", { deviceId: "a" }), { code: status.NOT_FOUND });
  },
});
