import { logSettings } from "#shared/config/log_settings.ts";
import type { ConfigOf } from "#shared/config/setting.ts";
import { listenHost, listenPort } from "#shared/config/setting_kinds.ts";
import { backendUrl } from "./backend_url.ts";

export const frontendSettings = {
  log: logSettings,
  frontend: {
    host: listenHost(),
    http_port: listenPort({
      doc: "port of the pages, /metrics, /healthz, /readyz",
      default: 8080,
    }),
    backend_url: backendUrl({
      doc: "the backend's API: host:port or a URL",
      default: "localhost:50051",
    }),
  },
};

export type FrontendConfig = ConfigOf<typeof frontendSettings>["frontend"];
