import type { IoTDevice } from "#shared/gen/iot/v1/device_pb.ts";
import type { SensorReading } from "#shared/gen/iot/v1/reading_pb.ts";
import { instantMs, utcText } from "../format/instant.ts";
import { ageWords, aheadWords, deviceState, lastSign, stateWords } from "../static/freshness.js";

/** What tells whether a device is online. */
export interface Signs {
  /** Instants at which it gave a sign of life, in Unix milliseconds. */
  readonly instants: readonly number[];
  /** The usual time between two readings, in milliseconds, if known. */
  readonly intervalMs: number | undefined;
}

/** A reading is a sign of life too. Empty for a device that has given none. */
export function signsOf(
  device: IoTDevice,
  reading: SensorReading | undefined,
  intervalSeconds: number | undefined,
): Signs {
  const instants = [
    device.lastSeen === 0n ? NaN : instantMs(device.lastSeen),
    reading === undefined ? NaN : instantMs(reading.timestamp, reading.nanos),
  ].filter((ms) => !Number.isNaN(ms));
  return { instants, intervalMs: intervalSeconds && Math.round(intervalSeconds * 1_000) };
}

interface SeenProps {
  readonly signs: Signs;
  readonly nowMs: number;
}

// What follows is kept up by `static/page.js`, from the same rules and the attributes' data.

export function OnlineState({ signs: { instants, intervalMs }, nowMs }: SeenProps) {
  const state = deviceState(instants, intervalMs, nowMs);
  return (
    <span class={`state ${state}`} data-signs={instants.join(" ")} data-interval-ms={intervalMs}>
      {stateWords(state, false)}
    </span>
  );
}

/** When a device was last seen, in words; exactly, for those who point at it. */
export function LastSeen({ signs: { instants }, nowMs }: SeenProps) {
  if (instants.length === 0) return <span class="none">never</span>;
  const { seenMs, aheadMs } = lastSign(instants, nowMs);
  return (
    <>
      {seenMs !== undefined && (
        <time
          datetime={new Date(seenMs).toISOString()}
          title={`${utcText(seenMs)} UTC`}
          data-signs={seenMs}
        >
          {ageWords(seenMs, nowMs)}
        </time>
      )}
      {aheadMs !== undefined && (
        <span
          class="ahead"
          title={`It says ${utcText(nowMs + aheadMs)} UTC`}
          data-signs={nowMs + aheadMs}
        >
          {aheadWords(aheadMs)}
        </span>
      )}
    </>
  );
}
