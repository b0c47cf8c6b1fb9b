import { parseDocument } from "yaml";
import { formatInstant, parseInstant } from "#shared/config/rfc3339.ts";
import { modelVersion } from "../fleet/fleet.ts";
import type { Schedule } from "./schedule.ts";

/**
 * All that decides which readings a run publishes, to the byte: those of the
 * fleet of `seed`, by the schedule.
 */
export interface RunManifest extends Schedule {
  /** Which model computes the readings: see `modelVersion`. */
  readonly model: number;
  readonly seed: number;
  /** Turns of each device; undefined for a run without end. */
  readonly count: number | undefined;
  /**
   * Of a run without end: the broker has confirmed every reading that was due
   * before this instant. A few that came later may be confirmed as well.
   */
  readonly confirmedUntilUs: number | undefined;
}

/** Raised when a manifest is written in another way. */
const formatVersion = 1;

const preamble = `# A run of the generator: from this, every reading of it can be computed again.
# Check what became of them: demo-app verify --manifest FILE
`;

export function formatManifest(manifest: RunManifest): string {
  const { model, seed, devices, startUs, intervalUs, count, confirmedUntilUs } = manifest;
  const lines = [
    `format: ${formatVersion}`,
    `model: ${model}`,
    `seed: ${seed}`,
    `devices: ${devices}`,
    `start: ${formatInstant(startUs)}`,
    `interval_us: ${intervalUs}`,
  ];
  if (count !== undefined) lines.push(`count: ${count}`);
  if (confirmedUntilUs !== undefined) {
    lines.push(`confirmed_until: ${formatInstant(confirmedUntilUs)}`);
  }
  return `${preamble}${lines.join("\n")}\n`;
}

/** @throws {Error} that says what is wrong, for text that is no manifest of this program. */
export function parseManifest(text: string): RunManifest {
  const document = parseDocument(text, { schema: "failsafe" });
  if (document.errors.length > 0) throw new Error("it is no YAML");
  const entries: unknown = document.toJS();
  if (typeof entries !== "object" || entries === null || Array.isArray(entries)) {
    throw new Error("it has no keys");
  }
  const values = new Map<string, unknown>(Object.entries(entries));
  const take = <Value>(key: string, read: (text: string) => Value | undefined, wanted: string) => {
    const given = values.get(key);
    values.delete(key);
    const value = typeof given === "string" ? read(given) : undefined;
    if (value === undefined) throw new Error(`${key} is ${given ?? "missing"}, not ${wanted}`);
    return value;
  };
  const whole = (key: string, min: number) =>
    take(key, (text) => {
      const value = /^\d+$/.test(text) ? Number(text) : NaN;
      return Number.isSafeInteger(value) && value >= min ? value : undefined;
    }, `a whole number from ${min}`);
  const instant = (key: string) => take(key, parseInstant, "an instant");

  const format = whole("format", 1);
  if (format !== formatVersion) {
    throw new Error(`its format is ${format}, and this program reads ${formatVersion}`);
  }
  const model = whole("model", 1);
  if (model !== modelVersion) {
    throw new Error(
      `its readings are of model ${model}, and this program computes ${modelVersion}`,
    );
  }
  const manifest: RunManifest = {
    model,
    seed: whole("seed", 0),
    devices: whole("devices", 1),
    startUs: instant("start"),
    intervalUs: whole("interval_us", 1),
    count: values.has("count") ? whole("count", 1) : undefined,
    confirmedUntilUs: values.has("confirmed_until") ? instant("confirmed_until") : undefined,
  };
  for (const key of values.keys()) throw new Error(`${key} is no key of a manifest`);
  return manifest;
}
