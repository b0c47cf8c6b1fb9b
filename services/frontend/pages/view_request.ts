/** What a page shows, as its browser asks for it to be kept up to date. */
export type ViewRequest =
  & ({ readonly devices: string } | { readonly readings: string })
  & {
    /** Where the viewer stands, if it can tell: the `after` of what it was last shown. */
    readonly after?: string;
  };

/** Most views that one stream carries. */
export const maxViews = 32;

/**
 * The views that a request for a stream asks for, 1 to 32: `{"views": […]}`, of
 * pages of the list by their page token, or of devices by their ids. Undefined
 * for anything else.
 */
export function readViews(body: unknown): readonly ViewRequest[] | undefined {
  const views = field(body, "views");
  if (!Array.isArray(views) || views.length === 0 || views.length > maxViews) return undefined;
  const read = views.map(readView);
  return read.every((view) => view !== undefined) ? read : undefined;
}

function readView(value: unknown): ViewRequest | undefined {
  const [devices, readings, after] = ["devices", "readings", "after"].map((name) =>
    field(value, name)
  );
  if (after !== undefined && typeof after !== "string") return undefined;
  const where = after === undefined ? {} : { after };
  if (typeof devices === "string" && readings === undefined) return { devices, ...where };
  if (typeof readings === "string" && devices === undefined) return { readings, ...where };
  return undefined;
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}
