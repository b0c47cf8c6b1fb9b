import { cosineWave } from "./cosine_wave.ts";
import type { DeviceSite } from "./device_site.ts";
import { fraction, hash } from "./integer_hash.ts";
import { smoothNoise } from "./smooth_noise.ts";

/** The air at a place and instant. */
export interface Weather {
  /** Degrees Celsius. */
  readonly temperature: number;
  /** Percent relative. */
  readonly humidity: number;
  /** Hectopascals, at the device's altitude. */
  readonly pressure: number;
}

const year2000 = 946_684_800;
const yearSeconds = 31_556_952;
const daySeconds = 86_400;

/**
 * The weather at a site, `seconds` after 1970 in Unix time.
 *
 * Only + - * / and the square root are used, which IEEE 754 defines to the
 * last bit, so that every machine computes the same reading; hence the
 * polynomial in place of the cosine, and products in place of powers. It is a
 * sketch of a climate and no forecast: a season, a day, passing air masses
 * that the devices of a place share, and what is a device's own.
 */
export function weatherAt(site: DeviceSite, seconds: number): Weather {
  const { place, latitude, placeKey, deviceKey } = site;
  const days = seconds / daySeconds;
  const year = (seconds - year2000) / yearSeconds;
  const yearlyRange = place.warmestC - place.coldestC;
  const sinLatitude = cosineWave(latitude / 360 - 0.25);
  const cosLatitude = cosineWave(latitude / 360);
  const poleward = sinLatitude * sinLatitude;

  // The year: warmth is 1 in the warmest month and -1 half a year away.
  const warmth = cosineWave(year - (place.warmestMonth - 0.5) / 12);
  const seasonal = (place.warmestC + place.coldestC + yearlyRange * warmth) / 2;

  // Air masses: they differ more towards the poles, inland and in winter.
  const contrast = 1 - 0.25 * warmth;
  const airMass = (0.72 * smoothNoise(hash(placeKey, 1), days / 5.3) +
    0.28 * smoothNoise(hash(placeKey, 2), days / 1.3)) *
    (1 + 0.15 * yearlyRange + 4.5 * poleward) * contrast;

  // The day: wider under a high sun and a clear sky, flat in the polar night.
  const declination = -23.44 * cosineWave(year + 10 / 365);
  const noonHeight = Math.max(0, cosineWave((latitude - declination) / 360));
  const sun = 0.35 + 0.65 * Math.min(1.6, noonHeight / cosLatitude);
  const clearness = 1 + 0.4 * smoothNoise(hash(placeKey, 3), days / 1.7);
  const solarHour = hourOfDay(seconds / 3_600 + site.longitude / 15);
  const daily = place.dailyRangeC / 2 * sun * clearness * dayCurve(solarHour);

  // The device's own: its height, its wall, the air that moves past it.
  const own = -0.0065 * (site.altitudeM - place.altitudeM) + fraction(deviceKey, 5) - 0.5 +
    0.3 * smoothNoise(hash(deviceKey, 6), days * 60) +
    0.1 * smoothNoise(hash(deviceKey, 7), days * 500);
  const temperature = seasonal + airMass + daily + own;

  // Water in the air changes with the air mass and not with the hour, so that
  // relative humidity falls as the day warms.
  const usualSpread = dewPointSpread(place.humidity);
  const dewPoint = seasonal + 0.75 * airMass - usualSpread +
    (1 + 0.15 * usualSpread) * smoothNoise(hash(placeKey, 4), days / 2.1);

  // Lows and highs; twice a day the tide of the atmosphere, which in the
  // tropics is all that a barometer shows.
  const highsAndLows = (0.75 * smoothNoise(hash(placeKey, 5), days / 4.1) +
    0.25 * smoothNoise(hash(placeKey, 6), days / 1.1)) * (2 + 24 * poleward) * contrast;
  const tide = 1.25 * cosLatitude * cosLatitude * cosLatitude *
    cosineWave((solarHour - 9.7) / 12);
  const seaLevel = 1_013.5 - 6 * poleward + highsAndLows + tide +
    0.6 * (fraction(deviceKey, 8) - 0.5);

  return {
    temperature,
    humidity: relativeHumidity(temperature - dewPoint),
    pressure: seaLevel * pressureShare(site.altitudeM),
  };
}

function hourOfDay(hours: number): number {
  return hours - 24 * Math.floor(hours / 24);
}

/** -1 before sunrise at 5:30, 1 in the afternoon at 14:30, smooth between. */
function dayCurve(solarHour: number): number {
  const sinceLow = solarHour < 5.5 ? solarHour + 18.5 : solarHour - 5.5;
  return sinceLow < 9 ? cosineWave(0.5 + sinceLow / 18) : cosineWave((sinceLow - 9) / 30);
}

/** How fast the vapour that air can hold grows, per degree: a mean of Magnus's formula. */
const saturationPerDegree = 0.065;

/**
 * Percent, from the degrees between temperature and dew point: exp(-0.065 x),
 * with (1 + y / 8)^8 for the exponential, and eased towards 100 where the air
 * would be more than saturated.
 */
function relativeHumidity(spread: number): number {
  const eased = (spread + Math.sqrt(spread * spread + 4)) / 2;
  const root = 1 + eased * saturationPerDegree / 8;
  const squared = root * root;
  const fourth = squared * squared;
  return 100 / (fourth * fourth);
}

/** The inverse of `relativeHumidity`, without the easing. */
function dewPointSpread(humidity: number): number {
  return (Math.sqrt(Math.sqrt(Math.sqrt(100 / humidity))) - 1) * 8 / saturationPerDegree;
}

/** Pressure at an altitude, as a share of sea level's: the standard atmosphere, with 5.25 for 5.256. */
function pressureShare(altitudeM: number): number {
  const base = 1 - 2.25577e-5 * altitudeM;
  const squared = base * base;
  return squared * squared * base * Math.sqrt(Math.sqrt(base));
}
