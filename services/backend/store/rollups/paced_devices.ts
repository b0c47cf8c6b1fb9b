/** Devices of the first part. */
export const firstDevices = 50;
/** Devices of a part, at most. */
const mostDevices = 10_000;
/** Readings of a part, about: a transaction of as many takes a tenth of a second. */
export const partReadings = 50_000;

/**
 * How many devices the next part is to have, so that a transaction rolls up about
 * `wantedReadings`; at most twice as many as before.
 *
 * @param part What the last one was, of `devices` at most.
 */
export function pacedDevices(
  devices: number,
  part: { readonly devices: number; readonly readings: number },
  wantedReadings: number,
): number {
  const fitting = part.readings === 0
    ? mostDevices
    : Math.ceil(part.devices * wantedReadings / part.readings);
  return Math.min(fitting, 2 * devices, mostDevices);
}
