import assert from "node:assert/strict";
import { isServiceLink } from "./service_link.ts";

Deno.test("isServiceLink knows what Kubernetes and Docker set for a service", () => {
  for (
    const [variable, value] of Object.entries({
      APP_BACKEND_SERVICE_HOST: "10.96.0.12",
      APP_BACKEND_SERVICE_PORT: "50051",
      APP_BACKEND_SERVICE_PORT_GRPC_WEB: "50051",
      APP_BACKEND_PORT: "tcp://10.96.0.12:50051",
      APP_BACKEND_PORT_50051_TCP: "tcp://10.96.0.12:50051",
      APP_BACKEND_PORT_50051_TCP_PROTO: "tcp",
      APP_BACKEND_PORT_50051_TCP_PORT: "50051",
      APP_BACKEND_PORT_50051_TCP_ADDR: "10.96.0.12",
      APP_LOG_PORT_514_UDP: "udp://10.96.0.12:514",
      APP_BACKEND_METRICS_PORT: "tcp://[fd00::1]:9090",
      APP_BACKEND_METRICS_SERVICE_HOST: "fd00::1",
    })
  ) assert(isServiceLink(variable, value), `${variable}=${value}`);
});

Deno.test("isServiceLink takes no setting of a person's, and no misspelling, for one", () => {
  for (
    const [variable, value] of Object.entries({
      APP_BACKEND_PORT: "50051",
      APP_BACKEND_GRPC_PROT: "tcp://10.0.0.1:1",
      APP_BACKEND_METRICS_PORT: "9090",
      APP_BACKEND_SERVICE_HOST: "db.example.com",
      APP_BACKEND_SERVICE_PORT: "tcp",
      APP_BACKEND_PORT_X_TCP: "tcp://10.0.0.1:1",
      APP_BACKEND_PORT_1_TCP: "1",
      APP_BACKEND_DB_HOTS: "10.0.0.1",
      APP_BACKEND_DB_URL: "tcp://10.0.0.1:1",
    })
  ) assert(!isServiceLink(variable, value), `${variable}=${value}`);
});
