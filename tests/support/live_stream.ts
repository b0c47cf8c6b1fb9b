/** An event of a live stream; `frame` or `beat`, with what its data says. */
export interface LiveEvent {
  readonly type: string;
  readonly view?: number;
  readonly html?: string;
  readonly after?: string;
  readonly now?: number;
  readonly asOf?: readonly (number | null)[];
  readonly down?: readonly boolean[];
}

/** The request for a stream of `views`. */
export function liveRequest(views: unknown, headers: Record<string, string> = {}): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ views }),
  };
}

/** What the page in `html` asks to be kept up to date. */
export function viewOf(html: string): Readonly<Record<string, string | undefined>> {
  const attribute = (name: string) =>
    new RegExp(` ${name}="([^"]*)"`).exec(html)?.[1]
      ?.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">")
      .replaceAll("&#39;", "'").replaceAll("&amp;", "&");
  return { ...JSON.parse(attribute("data-live")!), after: attribute("data-after") };
}

/** The events of a stream, as they come. */
export async function* liveEventsOf(response: Response): AsyncGenerator<LiveEvent> {
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const parts = (text + chunk).split("\n\n");
    text = parts.pop()!;
    for (const part of parts) {
      const [, type, data] = /^event: (\w+)\ndata: (.*)$/.exec(part)!;
      yield { type: type!, ...JSON.parse(data!) };
    }
  }
}

/** The next event of which `wanted` holds. */
export async function nextEvent(
  stream: AsyncGenerator<LiveEvent>,
  wanted: (event: LiveEvent) => boolean,
): Promise<LiveEvent> {
  for (let read = await stream.next(); !read.done; read = await stream.next()) {
    if (wanted(read.value)) return read.value;
  }
  throw new Error("the stream ended before the event that was waited for");
}

/** HTML of the next frame that has `content`. */
export async function nextWith(
  stream: AsyncGenerator<LiveEvent>,
  content: string,
): Promise<LiveEvent & { readonly html: string }> {
  const event = await nextEvent(stream, ({ html }) => html?.includes(content) ?? false);
  return { ...event, html: event.html! };
}
