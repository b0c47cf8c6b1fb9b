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
