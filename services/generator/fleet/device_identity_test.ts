import assert from "node:assert/strict";
import fc from "fast-check";
import { Fleet } from "./fleet.ts";
import { places } from "./places.ts";

const anySeed = fc.integer({ min: 0, max: 4_294_967_295 });
const anyIndex = fc.integer({ min: 0, max: 9_999_999 });

Deno.test("no two of 100,000 devices share an id, a MAC or an IP address", () => {
  for (const seed of [0, 1, 4_294_967_295]) {
    const fleet = new Fleet(seed);
    const ids = new Set<string>();
    const macs = new Set<string>();
    const ips = new Set<string>();
    for (let index = 0; index < 100_000; index++) {
      const device = fleet.device(index, 0);
      ids.add(device.deviceId);
      macs.add(device.macAddress);
      ips.add(device.ipAddress);
    }
    assert.deepEqual([ids.size, macs.size, ips.size], [100_000, 100_000, 100_000], `seed ${seed}`);
  }
});

Deno.test("a device's parts are well formed and its coordinates are its city's", () => {
  fc.assert(fc.property(anySeed, anyIndex, (seed, index) => {
    const device = new Fleet(seed).device(index, 1_700_000_000);
    assert.match(device.deviceId, /^[a-z]+(-[a-z]+)*-[0-9a-f]{8}$/);
    assert.match(device.macAddress, /^02(:[0-9a-f]{2}){5}$/);
    assert.match(device.firmware, /^\d+\.\d+\.\d+(-rc\.\d+)?$/);
    const octets = device.ipAddress.split(".").map(Number);
    assert.equal(octets.length, 4);
    assert.equal(octets[0], 10);
    assert.ok(octets.every((octet) => octet >= 0 && octet <= 255));
    assert.ok(octets[3]! >= 1 && octets[3]! <= 254);
    const place = places.find(({ city, country }) => `${city}, ${country}` === device.location);
    assert.ok(place !== undefined, device.location);
    assert.ok(device.deviceId.startsWith(`${place.slug}-`));
    assert.ok(kilometres(place, device) < 5, `${kilometres(place, device)} km`);
    assert.equal(device.lastSeen, 1_700_000_000n);
  }));
});

Deno.test("the first devices of any fleet stand in as many cities as there are", () => {
  fc.assert(fc.property(anySeed, (seed) => {
    const fleet = new Fleet(seed);
    const cities = new Set(places.map((_, index) => fleet.device(index, 0).location));
    assert.equal(cities.size, places.length);
  }));
});

Deno.test("most devices run one firmware and each version is in use", () => {
  const fleet = new Fleet(5);
  const counts = new Map<string, number>();
  for (let index = 0; index < 10_000; index++) {
    const { firmware } = fleet.device(index, 0);
    counts.set(firmware, (counts.get(firmware) ?? 0) + 1);
  }
  assert.equal(counts.size, 5);
  assert.ok(counts.get("2.1.2")! > 5_000);
});

Deno.test("the places have names of their own and plausible figures", () => {
  assert.equal(new Set(places.map(({ slug }) => slug)).size, places.length);
  for (let divisor = 2; divisor < places.length; divisor++) {
    assert.notEqual(places.length % divisor, 0, "a prime number of places");
  }
  for (const place of places) {
    assert.ok(Math.abs(place.latitude) < 80 && Math.abs(place.longitude) < 179, place.slug);
    assert.ok(place.coldestC < place.warmestC && place.warmestC < 40, place.slug);
    assert.ok(place.humidity > 20 && place.humidity < 90, place.slug);
    assert.ok(place.altitudeM >= 0 && place.altitudeM < 5_000, place.slug);
  }
});

/** Along a great circle. */
function kilometres(
  a: { readonly latitude: number; readonly longitude: number },
  b: { readonly latitude: number; readonly longitude: number },
): number {
  const radians = (degrees: number) => degrees * Math.PI / 180;
  const north = Math.sin(radians(b.latitude - a.latitude) / 2) ** 2;
  const east = Math.sin(radians(b.longitude - a.longitude) / 2) ** 2;
  const across = Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * east;
  return 2 * 6_371 * Math.asin(Math.sqrt(north + across));
}
