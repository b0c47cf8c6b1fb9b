import type { DeviceSite } from "./device_site.ts";
import { fraction, hash, scramble16, scramble32 } from "./integer_hash.ts";

/** What a device says of itself, beside where it stands. Constant for its life. */
export interface DeviceIdentity {
  readonly deviceId: string;
  /** `City, Country`. */
  readonly location: string;
  readonly macAddress: string;
  readonly ipAddress: string;
  readonly firmware: string;
}

/** Version, and the share of the fleet that runs it or an earlier one. */
const firmwareShares = [
  ["1.8.4", 0.06],
  ["2.0.3", 0.18],
  ["2.1.0", 0.4],
  ["2.1.2", 0.95],
  ["2.2.0-rc.1", 1],
] as const;

/** Such as `reykjavik-0c1f8a2e`: the key is unique in the fleet, so the name is too. */
export function deviceIdOf({ place, deviceKey }: DeviceSite): string {
  return `${place.slug}-${deviceKey.toString(16).padStart(8, "0")}`;
}

/** Who device `index` of the fleet of `seed` is; unique for indexes below 16,000,000. */
export function identityOf(seed: number, index: number, site: DeviceSite): DeviceIdentity {
  const { place, deviceKey } = site;
  return {
    deviceId: deviceIdOf(site),
    location: `${place.city}, ${place.country}`,
    macAddress: macAddress(hash(seed, -4) & 0xff, scramble32(deviceKey)),
    ipAddress: ipAddress(hash(seed, -5), index),
    firmware: firmwareShares.find(([, share]) => fraction(deviceKey, 4) < share)![0],
  };
}

/** Locally administered and unicast, as 02 in front says: no maker's address is taken. */
function macAddress(fleetByte: number, unique32: number): string {
  const digits = "02" + fleetByte.toString(16).padStart(2, "0") +
    unique32.toString(16).padStart(8, "0");
  return digits.match(/../g)!.join(":");
}

/** In 10.0.0.0/8: subnets of 254 hosts, in an order of the seed's choice. */
function ipAddress(fleetKey: number, index: number): string {
  const subnet = scramble16(Math.floor(index / 254) ^ fleetKey);
  return `10.${subnet >>> 8}.${subnet & 0xff}.${1 + index % 254}`;
}
