import type { Hono } from "hono";
import type { Child } from "hono/jsx";
import type { ViewKind } from "../live/view_kind.ts";
import type { NavLink } from "../look/layout.tsx";
import type { PageFailure } from "../look/page_failure.ts";
import type { IotClient } from "../queries/backend_client.ts";
import type { PageSender } from "../serving/page_sender.tsx";

/** What a page's routes answer from. */
export interface RouteSources {
  readonly iot: IotClient;
  readonly now: () => number;
  readonly send: PageSender;
}

/** What a page is kept up to date from. */
export interface LiveSources {
  /** For the polls: what they wait for keeps no route waiting. */
  readonly polls: IotClient;
  readonly now: () => number;
}

/** A page, with all that is its own; the app has a list of them. */
export interface Page {
  /** In the header of every page; undefined for a page that others lead to. */
  readonly link?: NavLink;
  /** CSS of what no other page shows; it comes after that which all share. */
  readonly style: string;
  /** Its addresses, in full. What they throw is shown as a failure. */
  readonly routes: (sources: RouteSources) => Hono;
  readonly live: (sources: LiveSources) => ViewKind;
  /** What to say where the backend does not know what was asked for; that of no page unless given. */
  readonly missing?: PageFailure;
  /** What htmx gets where a part of the page, at `href`, cannot be shown; the failure as a page unless given. */
  readonly partFailed?: (failure: PageFailure, href: string) => Child;
}
