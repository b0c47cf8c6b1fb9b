import { type Context, Hono } from "hono";
import { visibleId } from "../../format/visible_text.ts";
import { queryDevice } from "../../queries/query_device.ts";
import { queryReadings } from "../../queries/query_readings.ts";
import { wantsPart } from "../../serving/wants_part.ts";
import type { Page } from "../page.ts";
import { DeviceDetail } from "./device_detail.tsx";
import { olderHref } from "./device_href.ts";
import { readingViews } from "./reading_views.ts";
import { MoreFailed, MoreReadings } from "./readings/load_more.tsx";
import style from "./style.css" with { type: "text" };
import { unknownDevice } from "./unknown_device.ts";

/** One device, with its newest readings or a page of its older ones. */
export const devicePage: Page = {
  style,
  routes({ iot, now, send }) {
    const show = async (c: Context, deviceId: string) => {
      const pageToken = c.req.query("page_token") ?? "";
      const nowMs = now();
      const readingsQuery = queryReadings(iot, deviceId, pageToken);
      // Awaited below, unless the device fails first; that failure is then the one to show.
      readingsQuery.catch(() => {});
      const device = await queryDevice(iot, deviceId);
      const { readings, nextPageToken } = await readingsQuery;
      if (wantsPart(c)) {
        return send.part(
          c,
          <MoreReadings readings={readings} olderHref={olderHref(deviceId, nextPageToken)} />,
        );
      }
      const newest = pageToken === "";
      return send.page(
        c,
        { title: visibleId(deviceId), live: "connecting", nowMs },
        <DeviceDetail {...{ device, readings, nextPageToken, newest, nowMs }} />,
      );
    };
    const app = new Hono();
    app.get("/devices/:id", (c) => show(c, c.req.param("id")));
    // For the ids that cannot be a part of a path; see `deviceHref`.
    app.get("/device", (c) => show(c, c.req.query("id") ?? ""));
    return app;
  },
  live: readingViews,
  missing: unknownDevice,
  partFailed: (failure, href) => <MoreFailed failure={failure} href={href} />,
};
