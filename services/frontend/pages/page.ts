import type { Hono } from "hono";
import type { Child } from "hono/jsx";
import type { ViewKind } from "../live/view_kind.ts";
import type { NavLink } from "../look/layout.tsx";
import type { PageFailure } from "../look/page_failure.ts";
import type { IotClient } from "../queries/backend_client.ts";
import type { PageSender } from "../serving/page_sender.tsx";

export interface RouteSources {
  readonly iot: IotClient;
  readonly now: () => number;
  readonly send: PageSender;
}

export interface LiveSources {
  /** For the polls: what they wait for keeps no route waiting. */
  readonly polls: IotClient;
  readonly now: () => number;
}

/** A page of the site, with all that is its own. */
export interface Page {
  /** In the header of every page; undefined for a page that others lead to. */
  readonly link?: NavLink;
  /** CSS of what it alone shows; where it shows things that other pages do too, that of all pages holds. */
  readonly style: string;
  /** Its addresses, from the root of the site on. An error may be thrown: it becomes a failure. */
  readonly routes: (sources: RouteSources) => Hono;
  /** How it is kept up to date. */
  readonly live: (sources: LiveSources) => ViewKind;
  /** What to say where the backend does not know what was asked for; that it is no page, if not given. */
  readonly missing?: PageFailure;
  /** The answer to htmx where it asked for a part of the page, by the address `href`, and there is none. */
  readonly partFailed?: (failure: PageFailure, href: string) => Child;
}
