import type { Setting } from "#shared/config/setting.ts";

/** `host:port`, or an `http://` or `https://` URL. */
export function backendUrl(
  described: { readonly doc: string; readonly default: string },
): Setting<URL> {
  return {
    ...described,
    placeholder: "host:port",
    secret: false,
    suffix: "",
    parse(text) {
      const url = URL.parse(text.includes("://") ? text : `http://${text}`);
      if (url === null || url.hostname === "" || !/^https?:$/.test(url.protocol)) {
        throw new Error("expected host:port, http://… or https://…");
      }
      return url;
    },
  };
}
