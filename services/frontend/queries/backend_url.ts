import type { Setting } from "#shared/config/setting.ts";

const expected = "expected host:port, such as localhost:50051, or an http:// or https:// URL";

/**
 * `host:port`, or an `http://` or `https://` URL, which may go without a port.
 * A bare word is neither: no port is the usual one of a backend's API.
 */
export function backendUrl(
  described: { readonly doc: string; readonly default: string },
): Setting<URL> {
  return {
    ...described,
    placeholder: "host:port",
    secret: false,
    suffix: "",
    parse(text) {
      const bare = !text.includes("://");
      if (bare && !/^[^/?#@]+:\d+$/.test(text)) throw new Error(expected);
      const url = URL.parse(bare ? `http://${text}` : text);
      const usable = url !== null && url.hostname !== "" && /^https?:$/.test(url.protocol) &&
        url.port !== "0" && url.search === "" && url.hash === "";
      if (!usable) throw new Error(expected);
      return url;
    },
  };
}
