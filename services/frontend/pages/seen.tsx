import { utcText } from "../format/instant.ts";
import { relativeWords } from "../format/relative_words.ts";

/** A device that was not seen for longer counts as silent. */
export const silentAfterMs = 60_000;

interface SeenProps {
  readonly seenMs: number;
  readonly nowMs: number;
}

/** Whether a device is online. */
export function OnlineState({ seenMs, nowMs }: SeenProps) {
  return nowMs - seenMs < silentAfterMs
    ? <span class="state online">Online</span>
    : <span class="state silent">Silent</span>;
}

/** When a device was last seen, in words; exactly, for those who point at it. */
export function LastSeen({ seenMs, nowMs }: SeenProps) {
  if (Number.isNaN(seenMs)) return <span class="none">never</span>;
  return (
    <time datetime={new Date(seenMs).toISOString()} title={`${utcText(seenMs)} UTC`}>
      {relativeWords(seenMs, nowMs)}
    </time>
  );
}
