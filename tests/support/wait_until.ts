/**
 * How long a test waits for what must come, in milliseconds: far beyond what
 * any machine needs under any load, so that whatever is later is broken.
 */
export const surelyBrokenMs = 180_000;

export interface WaitOptions {
  /** What is waited for, to complete "Waited … ms for …". */
  readonly what: string;
  /** Longest wait, in milliseconds; `surelyBrokenMs` unless given. */
  readonly deadlineMs?: number;
}

/** Milliseconds between two looks at the condition. */
const pollMs = 10;

/**
 * Resolves to the condition's first truthy value: a test waits for
 * what it needs, never for time to pass.
 *
 * @throws {Error} when the deadline passes; its cause is what the condition
 *   last threw, if it threw.
 */
export async function waitUntil<Value>(
  condition: () => Value | Promise<Value>,
  { what, deadlineMs = surelyBrokenMs }: WaitOptions,
): Promise<Exclude<Value, false | null | undefined | 0 | "">> {
  const startedMs = performance.now();
  for (;;) {
    let failure: unknown;
    try {
      const value = await condition();
      // Truthy, which the type says in other words.
      if (value) return value as Exclude<Value, false | null | undefined | 0 | "">;
    } catch (error) {
      failure = error;
    }
    if (performance.now() - startedMs >= deadlineMs) {
      const reason = failure === undefined ? "" : `: ${failure}`;
      throw new Error(`Waited ${deadlineMs} ms for ${what}${reason}`, { cause: failure });
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/**
 * Resolves or rejects as `work` does.
 *
 * @throws {Error} when it does neither for `surelyBrokenMs`.
 */
export async function inTime<Value>(work: PromiseLike<Value>, what: string): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`Waited ${surelyBrokenMs} ms for ${what}`);
    timer = setTimeout(() => reject(error), surelyBrokenMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
