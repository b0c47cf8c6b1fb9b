import { Hono } from "hono";
import { queryDevices } from "../../queries/query_devices.ts";
import type { Page } from "../page.ts";
import { DeviceList } from "./device_list.tsx";
import { deviceListKey } from "./device_list_frames.tsx";
import { deviceListHref } from "./device_list_href.ts";
import { deviceListViews } from "./device_list_views.ts";
import { deviceRows } from "./device_rows.tsx";
import style from "./style.css" with { type: "text" };

/** All devices, ordered by id. */
export const devicesPage: Page = {
  link: { href: "/devices", label: "Devices" },
  style,
  routes({ iot, now, send }) {
    const app = new Hono();
    app.get("/devices", async (c) => {
      const pageToken = c.req.query("page_token") ?? "";
      const nowMs = now();
      const response = await queryDevices(iot, pageToken);
      const rows = deviceRows(response, nowMs);
      const after = deviceListKey(rows, response.nextPageToken);
      const live = { view: { devices: pageToken }, after, asOfMs: nowMs };
      return send.page(
        c,
        { title: "Devices", live: "connecting", nowMs },
        <DeviceList {...{ response, rows, pageToken, live }} />,
      );
    });
    app.get("/devices/", (c) => c.redirect(deviceListHref(c.req.query("page_token") ?? ""), 308));
    return app;
  },
  live: deviceListViews,
};
