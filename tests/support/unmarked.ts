import { LaggingDevices } from "../../services/backend/store/devices/lagging_devices.ts";

/** Of a backend beside which there is no other, and which is not killed: it needs no mark. */
export function unmarked(): LaggingDevices {
  return new LaggingDevices({
    holds: true,
    due: false,
    ids: [],
    make: () => Promise.resolve(),
    renew: () => Promise.resolve(),
    remove: () => Promise.resolve(),
    abandon: () => Promise.resolve(),
    tidy: () => Promise.resolve(),
  });
}
