/** Asks a service's `/readyz` again and again, beside a bench whose own thread is busy with abuses. */

/** The module is a worker's, but typed as any other. */
const worker = self as unknown as {
  onmessage: (event: MessageEvent<Ask>) => void;
  postMessage(answer: number): void;
};

/** The first names what to ask; each other asks how long it took at most since the last. */
export type Ask = { readonly url: string } | "take";

const everyMs = 100;
/** A probe that takes longer counts as this long. */
const longestMs = 60_000;

let readyMs = 0;
let askedMs: number | undefined;

worker.onmessage = ({ data }) => {
  if (data !== "take") return void probe(data.url);
  // A probe that is under way has taken so long already.
  if (askedMs !== undefined) note(performance.now() - askedMs);
  worker.postMessage(readyMs);
  readyMs = 0;
};

async function probe(url: string): Promise<never> {
  for (;;) {
    askedMs = performance.now();
    // A connection of its own: one that is kept may be in an abuse's way.
    using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    const signal = AbortSignal.timeout(longestMs);
    await fetch(url, { signal, client }).then((response) => response.text()).catch(() => {});
    note(performance.now() - askedMs);
    askedMs = undefined;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

function note(ms: number): void {
  readyMs = Math.max(readyMs, ms);
}
