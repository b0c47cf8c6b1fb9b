export interface LiveConnectionProps {
  /** What the page shows, as a request for a stream names it. */
  readonly view: Readonly<Record<string, string>>;
  /** Where the viewer stands in that, if it can tell: the `after` of what it is shown. */
  readonly after: string | undefined;
  /** When what the page shows was asked for, in Unix milliseconds. */
  readonly asOfMs: number;
}

/** Says to `static/page.js` what the page shows, where it stands in that, and of when it is. */
export function LiveConnection({ view, after, asOfMs }: LiveConnectionProps) {
  return (
    <div
      id="live"
      hidden
      data-live={JSON.stringify(view)}
      data-after={after}
      data-as-of={asOfMs}
    />
  );
}
