import { type ViewKind, viewKind } from "../../live/view_kind.ts";
import { queryDevices } from "../../queries/query_devices.ts";
import type { LiveSources } from "../page.ts";
import { deviceListFrames, deviceListView } from "./device_list_frames.tsx";

/** The pages of the list, by their page tokens; `after` is a list's key. */
export function deviceListViews({ polls, now }: LiveSources): ViewKind {
  return viewKind({
    name: "devices",
    read(pageToken, after) {
      if (typeof pageToken !== "string") return undefined;
      return {
        key: pageToken,
        load: async (signal) =>
          deviceListView(await queryDevices(polls, pageToken, signal), pageToken, now()),
        advance: deviceListFrames(after),
      };
    },
  });
}
