import type { IoTDevice } from "#shared/gen/iot/v1/device_pb.ts";
import { type ViewKind, viewKind } from "../../live/view_kind.ts";
import { queryDevice } from "../../queries/query_device.ts";
import { queryReadings } from "../../queries/query_readings.ts";
import type { LiveSources } from "../page.ts";
import { readingFrames, type ReadingsView, readingsView } from "./reading_frames.tsx";
import { readCursor } from "./readings/window_cursor.ts";
import { unknownDevice } from "./unknown_device.ts";

/** Devices with their newest readings, by their ids; `after` is a cursor, and none that of older readings. */
export function readingViews(sources: LiveSources): ViewKind {
  return viewKind({
    name: "readings",
    missing: unknownDevice,
    read(deviceId, after) {
      if (typeof deviceId !== "string") return undefined;
      const shown = after === undefined ? "older" : readCursor(after) ?? "unknown";
      return {
        key: deviceId,
        load: readingsLoader(deviceId, sources),
        advance: readingFrames(shown),
      };
    },
  });
}

/** How many polls of a device's readings go by until the device itself is asked for again. */
const pollsPerDevice = 10;

function readingsLoader(
  deviceId: string,
  { polls, now }: LiveSources,
): (signal: AbortSignal) => Promise<ReadingsView> {
  let loads = 0;
  let device: IoTDevice | undefined;
  return async (signal) => {
    if (device === undefined || loads++ % pollsPerDevice === 0) {
      device = await queryDevice(polls, deviceId, signal);
    }
    return readingsView(device, await queryReadings(polls, deviceId, "", signal), now());
  };
}
