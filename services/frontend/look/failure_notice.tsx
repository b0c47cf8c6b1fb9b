import type { PageFailure } from "./page_failure.ts";

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
