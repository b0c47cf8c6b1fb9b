import type { Context } from "hono";

/** True for htmx when it asks for a part of a page, such as rows to add, and not for all of it. */
export function wantsPart(c: Context): boolean {
  return c.req.header("hx-request-type") === "partial";
}
