import type { RequestedView, ViewKind } from "./view_kind.ts";

/** Most views that one stream carries. */
export const maxViews = 32;

/**
 * The views that a request for a stream asks for, 1 to 32: `{"views": […]}`, each
 * of which names one of the `kinds` by its field, and in `after` where the viewer
 * stands, if it can tell: the `after` of what it was last shown. Undefined for
 * anything else.
 */
export function readViews(
  body: unknown,
  kinds: readonly ViewKind[],
): readonly RequestedView[] | undefined {
  const views = field(body, "views");
  if (!Array.isArray(views) || views.length === 0 || views.length > maxViews) return undefined;
  const read = views.map((view) => readView(view, kinds));
  return read.every((view) => view !== undefined) ? read : undefined;
}

function readView(view: unknown, kinds: readonly ViewKind[]): RequestedView | undefined {
  const after = field(view, "after");
  if (after !== undefined && typeof after !== "string") return undefined;
  const [kind, other] = kinds.filter(({ name }) => field(view, name) !== undefined);
  return other === undefined ? kind?.read(field(view, kind.name), after) : undefined;
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}
