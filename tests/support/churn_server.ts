/**
 * A real API server, in a process of its own so that a crash is an exit. Prints
 * one line of JSON with its addresses; runs until it is killed.
 */
import { getLogger } from "@logtape/logtape";
import { IoTService } from "#shared/gen/iot/v1/iot_service_pb.ts";
import { adminApp } from "#shared/http/admin_app.ts";
import { serveHttp } from "#shared/http/http_server.ts";
import { createRegistry } from "#shared/observability/runtime_metrics.ts";
import { serveApi } from "../../services/backend/rpc_server/serve_api.ts";

const registry = createRegistry("churn");
const location = "x".repeat(200);
await using api = await serveApi({
  host: "127.0.0.1",
  port: 0,
  portKey: "port",
  registry,
  log: getLogger("churn"),
  health: { ready: () => true, pollMs: 100 },
  routes: (router) =>
    router.service(IoTService, {
      getDevice: ({ deviceId }) => ({ device: { deviceId } }),
      getAllDevice: ({ pageSize }) => ({
        devices: Array.from(
          { length: pageSize },
          (_, i) => ({ deviceId: `device-${i}`, location }),
        ),
      }),
    }),
});
await using admin = serveHttp({
  host: "127.0.0.1",
  port: 0,
  portKey: "port",
  fetch: adminApp({ registry }).fetch,
});
// deno-lint-ignore no-console -- the parent reads it
console.log(JSON.stringify({ port: api.port, admin: admin.url }));
await new Promise(() => {});
