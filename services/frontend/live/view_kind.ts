import type { TenantId } from "#shared/telemetry/tenant.ts";
import type { PageFailure } from "../look/page_failure.ts";
import type { LivePoller } from "./live_poller.ts";
import { type Frame, type LiveView, liveView } from "./live_view.tsx";

/** What a page has to say of the views of it that streams carry. */
export interface ViewKind {
  /** The field that says, in a request, which of the page's views is meant; no other page's. */
  readonly name: string;
  /**
   * The view that the field's `value` means, for a viewer who stands at `after`
   * in it; undefined where they mean none. Both are the client's, and may be
   * anything.
   */
  readonly read: (value: unknown, after: string | undefined) => RequestedView | undefined;
}

/** A view that a request asks for, not polled yet. */
export interface RequestedView {
  /**
   * To be called once: the viewer goes on from where the request says that it
   * stands. Polls are shared with viewers of the same tenant alone.
   */
  readonly open: (poller: Pick<LivePoller, "watch">, tenantId: TenantId) => LiveView;
}

/** What is polled for a view, and shown of it. */
export interface PolledView<Value> {
  /** Names what is polled among the views of the page: viewers of the same share the polls. */
  readonly key: string;
  /** One poll. What it fetches must follow from the key. */
  readonly load: (signal: AbortSignal) => Promise<Value>;
  /** Brings this viewer up to `value`; undefined when it shows that already. */
  readonly advance: (value: Value) => Frame | undefined;
}

export interface ViewKindOptions<Value> {
  readonly name: string;
  /** What to say where the backend does not know what is polled; that of no page unless given. */
  readonly missing?: PageFailure;
  readonly read: (value: unknown, after: string | undefined) => PolledView<Value> | undefined;
}

/** A kind of view of which every one is polled for. */
export function viewKind<Value>({ name, missing, read }: ViewKindOptions<Value>): ViewKind {
  return {
    name,
    read(value, after) {
      const polled = read(value, after);
      if (polled === undefined) return undefined;
      const { key, load, advance } = polled;
      return {
        open(poller, tenantId) {
          const watch = poller.watch(JSON.stringify([tenantId, name, key]), load);
          return liveView({ watch, advance, missing });
        },
      };
    },
  };
}
