import sse from "htmx.org/dist/ext/hx-sse.min.js" with { type: "text" };
import htmx from "htmx.org/dist/htmx.min.js" with { type: "text" };
import { contentKey } from "../format/content_key.ts";
import favicon from "./favicon.svg" with { type: "text" };
import indicator from "./live_indicator.js" with { type: "text" };
import style from "./style.css" with { type: "text" };

/** A file that the browser loads. */
export interface Asset {
  /** Holds a digest of the content, so that it may be cached for ever. */
  readonly path: string;
  readonly contentType: string;
  readonly content: string;
}

function asset(name: string, extension: string, contentType: string, content: string): Asset {
  const path = `/static/${name}.${contentKey(content, 16)}.${extension}`;
  return { path, contentType: `${contentType}; charset=utf-8`, content };
}

/**
 * htmx starts on a timer of its own and attends only to extensions that are
 * registered by then: one file leaves no gap for the timer to fire in.
 */
const script = [htmx, sse, indicator].join("\n;\n");

export const assets = {
  script: asset("app", "js", "text/javascript", script),
  style: asset("style", "css", "text/css", style),
  favicon: asset("favicon", "svg", "image/svg+xml", favicon),
};
