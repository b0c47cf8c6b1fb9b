import { cosineWave } from "./cosine_wave.ts";
import { fraction, hash } from "./integer_hash.ts";
import { type Place, places } from "./places.ts";

/** Where a device stands, and the keys that its noise is drawn with. */
export interface DeviceSite {
  readonly place: Place;
  /** Degrees, within 3 km of the city's own. */
  readonly latitude: number;
  readonly longitude: number;
  readonly altitudeM: number;
  /** No two devices of a fleet share it. */
  readonly deviceKey: number;
  /** Shared by the devices of a place: they stand under the same sky. */
  readonly placeKey: number;
}

/** Half the side of the square around a city's centre in which its devices stand, in degrees. */
const reachDegrees = 0.018;
/** How far above the city's altitude a device may stand. */
const reachUpM = 30;

/**
 * The site of device `index` of the fleet of `seed`. Devices go round the
 * places in a stride of the seed's choice, so that even a small fleet spans
 * the world.
 */
export function siteOf(seed: number, index: number): DeviceSite {
  const stride = 1 + hash(seed, -1) % (places.length - 1);
  const placeIndex = (hash(seed, -2) + index * stride) % places.length;
  const place = places[placeIndex]!;
  const deviceKey = hash(seed, index);
  const reachEast = reachDegrees / cosineWave(place.latitude / 360);
  return {
    place,
    latitude: place.latitude + reachDegrees * (2 * fraction(deviceKey, 1) - 1),
    longitude: place.longitude + reachEast * (2 * fraction(deviceKey, 2) - 1),
    altitudeM: place.altitudeM + reachUpM * fraction(deviceKey, 3),
    deviceKey,
    placeKey: hash(hash(seed, -3), placeIndex),
  };
}
