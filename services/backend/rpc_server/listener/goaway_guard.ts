import type { Http2Session } from "node:http2";

/**
 * Keeps a session that is told GOAWAY from being freed too early.
 *
 * node:http2 reacts to GOAWAY by calling `close()` or `destroy()` on the
 * session right after the `goaway` event, while nghttp2 is still reading the
 * frame. Where that frees the native session (Deno 2.9.4 to 2.9.6, see
 * denoland/deno#36788), nghttp2 goes on with freed memory and the process
 * aborts, so any client could end the server. Both calls are put off here until
 * the stack has unwound; elsewhere this only delays the end by a turn.
 */
export function guardGoaway(session: Pick<Http2Session, "on" | "close" | "destroy">): void {
  session.on("goaway", () => {
    const putOff: (() => void)[] = [];
    // Own properties hide the methods of the prototype until they are deleted.
    Object.assign(session, {
      close: (...given: Parameters<Http2Session["close"]>) => {
        putOff.push(() => session.close(...given));
      },
      destroy: (...given: Parameters<Http2Session["destroy"]>) => {
        putOff.push(() => session.destroy(...given));
      },
    });
    setImmediate(() => {
      Reflect.deleteProperty(session, "close");
      Reflect.deleteProperty(session, "destroy");
      for (const end of putOff) end();
    });
  });
}
