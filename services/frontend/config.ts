import { logSettings } from "#shared/config/log_settings.ts";
import type { ConfigOf } from "#shared/config/setting.ts";
import { listenHost, listenPort, wholeNumber } from "#shared/config/setting_kinds.ts";
import { backendUrl } from "./queries/backend_url.ts";

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
    max_live_views: wholeNumber({
      doc: "pages that may be live at once",
      default: 2_000,
      min: 1,
      max: 100_000,
    }),
    max_live_views_per_client: wholeNumber({
      doc: "of these, from one address; behind a reverse proxy, which is one, as many as above",
      default: 500,
      min: 1,
      max: 100_000,
    }),
  },
};

export type FrontendConfig = ConfigOf<typeof frontendSettings>["frontend"];
