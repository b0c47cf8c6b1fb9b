import { utcText } from "../format/instant.ts";
import { ageWords, aheadWords, deviceState, lastSign, stateWords } from "../static/freshness.js";
import type { Signs } from "./signs.ts";

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
