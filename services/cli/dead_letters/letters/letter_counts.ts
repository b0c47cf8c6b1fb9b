import { printable } from "../../output/printable.ts";

/** Counts letters by queue and reason. */
export class LetterCounts {
  readonly #counts = new Map<string, Map<string, number>>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(queue: string, reason: string): void {
    let reasons = this.#counts.get(queue);
    if (reasons === undefined) this.#counts.set(queue, reasons = new Map());
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    this.#total++;
  }

  /** A line for each queue and reason, the most frequent first. */
  lines(): readonly string[] {
    return [...this.#counts].flatMap(([queue, reasons]) =>
      [...reasons].sort(([, a], [, b]) => b - a).map(([reason, count]) =>
        `${String(count).padStart(9)}  ${queue}  ${printable(reason)}`
      )
    );
  }
}
