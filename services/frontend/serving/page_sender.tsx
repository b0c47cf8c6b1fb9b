import type { Context } from "hono";
import type { Child } from "hono/jsx";
import { FailureNotice } from "../look/failure_notice.tsx";
import { Layout, type LayoutProps, type SiteParts } from "../look/layout.tsx";
import type { PageFailure } from "../look/page_failure.ts";
import { Retry, waitingHeader } from "../look/retry.tsx";
import { wantsPart } from "./wants_part.ts";

type Status = 200 | PageFailure["status"];

/** Answers with pages in the layout of the site, with parts of pages, and with failures. */
export class PageSender {
  readonly #site: SiteParts;

  constructor(site: SiteParts) {
    this.#site = site;
  }

  page(
    c: Context,
    layout: Omit<LayoutProps, "children" | "site">,
    content: Child,
    status: Status = 200,
  ): Response | Promise<Response> {
    const page = <Layout {...layout} site={this.#site}>{content}</Layout>;
    return send(c, `<!DOCTYPE html>${page}`, status);
  }

  part(c: Context, content: Child, status: Status = 200): Response | Promise<Response> {
    return send(c, String(<>{content}</>), status);
  }

  /** Says why there is no page; or, by `partFailed`, why there is no such part of it. */
  failure(
    c: Context,
    failure: PageFailure,
    nowMs: number,
    partFailed?: (failure: PageFailure, href: string) => Child,
  ): Response | Promise<Response> {
    const { pathname, search } = new URL(c.req.url);
    const href = pathname + search;
    if (failure.passes && c.req.header(waitingHeader) !== undefined) return c.body(null, 204);
    if (partFailed !== undefined && wantsPart(c)) {
      return this.part(c, partFailed(failure, href), failure.status);
    }
    if (failure.passes) c.header("retry-after", "2");
    return this.page(
      c,
      { title: failure.title, live: failure.passes ? "lost" : undefined, nowMs },
      <>
        <FailureNotice failure={failure} />
        {failure.passes && <Retry href={href} />}
      </>,
      failure.status,
    );
  }
}

function send(c: Context, html: string, status: Status): Response | Promise<Response> {
  c.header("cache-control", "no-store");
  c.header("vary", "HX-Request-Type");
  return c.html(html, status);
}
