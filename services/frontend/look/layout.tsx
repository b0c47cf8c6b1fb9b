import type { Child } from "hono/jsx";
import { utcText } from "../format/instant.ts";
import type { Assets } from "../static/assets.ts";

/** What htmx is to do without: styles and scripts that the security policy forbids, and history. */
const htmxConfig = JSON.stringify({ includeIndicatorCSS: false, history: false });

/** A place that every page leads to. */
export interface NavLink {
  readonly href: string;
  readonly label: string;
}

/** What all pages share. */
export interface SiteParts {
  readonly nav: readonly NavLink[];
  readonly assets: Assets;
}

export interface LayoutProps {
  readonly site: SiteParts;
  readonly title: string;
  /** What the page says of its liveness before its stream says more; undefined where nothing is live. */
  readonly live: "connecting" | "lost" | undefined;
  readonly nowMs: number;
  readonly children: Child;
}

export function Layout({ site, title, live, nowMs, children }: LayoutProps) {
  const { nav, assets } = site;
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="htmx-config" content={htmxConfig} />
        <title>{`${title} · demo-app`}</title>
        <link rel="icon" type="image/svg+xml" href={assets.favicon.path} />
        <link rel="stylesheet" href={assets.style.path} />
        <link rel="modulepreload" href={assets.freshness.path} />
        <script defer src={assets.htmx.path}></script>
        <script type="module" src={assets.page.path}></script>
      </head>
      <body>
        <a class="skip-link" href="#main">Skip to content</a>
        <header class="site">
          <div class="bar">
            <a class="brand" href="/devices">
              <img src={assets.favicon.path} alt="" width="28" height="28" />
              demo-app
            </a>
            <nav aria-label="Main">
              {nav.map(Link)}
            </nav>
            <p
              id="live-indicator"
              class="live"
              role="status"
              data-state={live ?? "off"}
              hidden={live === undefined}
            >
              <span class="words">{live === "lost" ? "Backend down" : "Connecting…"}</span>
              <span class="age" aria-hidden="true"></span>
            </p>
          </div>
        </header>
        <main id="main" tabindex={-1}>{children}</main>
        <footer class="site">
          <p>
            Times are in UTC.
            <span class="as-of">{` This page is as of ${utcText(nowMs)}.`}</span>
          </p>
        </footer>
      </body>
    </html>
  );
}

function Link({ href, label }: NavLink) {
  return <a href={href}>{label}</a>;
}
