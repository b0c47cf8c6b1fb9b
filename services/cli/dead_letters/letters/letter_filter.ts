import type { ConfigOf } from "#shared/config/setting.ts";
import { optional, text } from "#shared/config/setting_kinds.ts";
import { age } from "../../output/age.ts";
import type { Letter } from "./letter.ts";

/** The settings that say which of the letters are meant. */
export const letterFilterSettings = {
  queue: optional(text({
    doc: "only letters of this queue, by its own name or its dead-letter queue's",
    default: "",
    placeholder: "queue",
  })),
  id: optional(text({ doc: "only the letter of this id", default: "", placeholder: "id" })),
  reason: optional(text({
    doc: "only letters of this reason, such as undecodable or out_of_range",
    default: "",
    placeholder: "reason",
  })),
  older_than: age("only letters that were dead-lettered longer ago"),
  newer_than: age("only letters that were dead-lettered less long ago"),
};

export type LetterFilter = ConfigOf<typeof letterFilterSettings>;

/** Whether any filter was given. */
export function isNarrow(
  { queue, id, reason, olderThanMs, newerThanMs }: LetterFilter,
): boolean {
  return [queue, id, reason, olderThanMs, newerThanMs].some((given) => given !== undefined);
}

/**
 * Whether a letter passes every filter but that of its queue. One that does not
 * say when it was dead-lettered passes no filter by age.
 *
 * @param nowMs Unix milliseconds
 */
export function matches(letter: Letter, filter: LetterFilter, nowMs: number): boolean {
  const { id, reason, olderThanMs, newerThanMs } = filter;
  const ageMs = letter.timeMs === undefined ? NaN : nowMs - letter.timeMs;
  return (id === undefined || letter.id === id) &&
    (reason === undefined || letter.reason === reason) &&
    (olderThanMs === undefined || ageMs > olderThanMs) &&
    (newerThanMs === undefined || ageMs < newerThanMs);
}
