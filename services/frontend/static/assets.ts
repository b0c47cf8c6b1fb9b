import htmx from "htmx.org/dist/htmx.min.js" with { type: "text" };
import { contentKey } from "../format/content_key.ts";
import favicon from "./favicon.svg" with { type: "text" };
import freshness from "./freshness.js" with { type: "text" };
import liveWorker from "./live_worker.js" with { type: "text" };
import page from "./page.js" with { type: "text" };
import sharedStyle from "./style.css" with { type: "text" };

/** A file that the browser loads. */
export interface Asset {
  readonly path: string;
  readonly contentType: string;
  readonly content: string;
}

export type Assets = ReturnType<typeof createAssets>;

/**
 * What pages load, with the styles of each page after those that all share. All
 * of it lies in one folder, so that scripts find each other by their names, and
 * the folder is named after what is in it, so that it may be cached for ever.
 */
export function createAssets(pageStyles: readonly string[]) {
  const style = [sharedStyle, ...pageStyles].join("\n");
  const contents = [htmx, favicon, freshness, liveWorker, page, style];
  const folder = `/static/${contentKey(contents.join(), 16)}`;
  const asset = (name: string, contentType: string, content: string): Asset => {
    return { path: `${folder}/${name}`, contentType: `${contentType}; charset=utf-8`, content };
  };
  return {
    htmx: asset("htmx.js", "text/javascript", htmx),
    page: asset("page.js", "text/javascript", page),
    freshness: asset("freshness.js", "text/javascript", freshness),
    liveWorker: asset("live_worker.js", "text/javascript", liveWorker),
    style: asset("style.css", "text/css", style),
    favicon: asset("favicon.svg", "image/svg+xml", favicon),
  };
}
