import type { PageFailure } from "../page_failure.ts";

/** The contents of `main` where a page cannot be shown. */
export function FailureNotice({ failure }: { readonly failure: PageFailure }) {
  return (
    <section class="notice" aria-labelledby="notice-title">
      <p class="notice-status" aria-hidden="true">{failure.status}</p>
      <h1 id="notice-title">{failure.title}</h1>
      <p>{failure.sentence}</p>
      <p>
        {failure.passes
          ? <span class="waiting">This page shows up by itself once that has passed.</span>
          : <a class="button" href="/devices">All devices</a>}
      </p>
    </section>
  );
}

/** Marks the requests of a page that waits for its failure to pass. */
export const waitingHeader = "x-waiting";

/**
 * Asks for the page again until it can be shown, and puts it in place of this
 * notice.
 */
export function Retry({ href }: { readonly href: string }) {
  return (
    <div
      hx-get={href}
      hx-headers={`${waitingHeader}:true`}
      hx-trigger="every 2s"
      hx-sync="drop"
      hx-select="#main"
      hx-target="#main"
      hx-swap="outerHTML"
    />
  );
}
