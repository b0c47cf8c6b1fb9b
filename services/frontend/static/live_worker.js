/**
 * Holds the one live stream of this browser for all of its tabs, as a shared
 * worker; or, where there are none, the stream of one tab. A tab says which view
 * it shows, and again every few seconds, which is how its end is noticed; it
 * gets what concerns it, under the serial number that it gave.
 */

/** Longest that the server may be silent, in milliseconds: it has something to say every second. */
const silenceMs = 5_000;
/** A tab that says nothing for longer is gone, in milliseconds. */
const forgottenMs = 15_000;
/** Most views that the server takes in one stream: tabs beyond that wait until others leave. */
const maxViews = 32;
/** Tabs that come and go together are one change, in milliseconds. */
const settleMs = 20;
/** What comes late, over a stream that is older, is better asked for anew, in milliseconds. */
const longEnoughMs = 10_000;
const retryMs = { least: 500, most: 5_000 };

/** By port, in the order of their views in the stream: `{ view, serial, heardMs }`. */
const tabs = new Map();
let current;
let openedMs = 0;
let timer;
let tries = 0;
let sweeper;

function attach(port) {
  port.onmessage = ({ data }) => {
    const tab = tabs.get(port);
    if (data.kind === "leave") {
      if (tabs.delete(port)) restart(settleMs);
    } else if (data.kind === "late") {
      if (Date.now() - openedMs > longEnoughMs) restart(settleMs);
    } else if (tab?.serial === data.serial) {
      tab.heardMs = Date.now();
    } else {
      tabs.set(port, { view: data.view, serial: data.serial, heardMs: Date.now() });
      restart(settleMs);
    }
  };
  sweeper ??= setInterval(sweep, forgottenMs / 3);
}

function sweep() {
  for (const [port, { heardMs }] of tabs) {
    if (Date.now() - heardMs <= forgottenMs) continue;
    tabs.delete(port);
    restart(settleMs);
  }
}

function restart(delayMs) {
  current?.abort();
  current = undefined;
  clearTimeout(timer);
  if (tabs.size > 0) timer = setTimeout(connect, delayMs);
}

async function connect() {
  const connection = current = new AbortController();
  const members = [...tabs].slice(-maxViews);
  const tell = (message) => {
    for (const [port, { serial }] of members) port.postMessage({ ...message, serial });
  };
  let trouble = "away";
  let waitMs = Math.min(retryMs.least * 2 ** tries++, retryMs.most);
  let watchdog;
  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => connection.abort(), silenceMs);
  };
  try {
    alive();
    const response = await fetch("/live", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ views: members.map(([, { view }]) => view) }),
      signal: connection.signal,
    });
    if (response.ok) {
      openedMs = Date.now();
      tell({ kind: "open" });
      for await (const { type, data } of eventsOf(response.body)) {
        if (current !== connection) return;
        alive();
        tries = 0;
        if (type === "beat") deliverBeat(members, data);
        else deliverFrame(members[data.view], data);
      }
    } else {
      if (response.status === 429 || response.status === 503) trouble = "busy";
      waitMs = Math.max(waitMs, 1_000 * Number(response.headers.get("retry-after")) || 0);
    }
  } catch {
    // A connection that is refused, broken off or silent: it is tried again below.
  } finally {
    clearTimeout(watchdog);
  }
  if (current !== connection) return;
  tell({ kind: "trouble", trouble });
  // So that many browsers don't come back in the same moment.
  restart(waitMs * (0.7 + 0.6 * Math.random()));
}

function deliverBeat(members, { now, asOf, down }) {
  members.forEach(([port, { serial }], i) => {
    port.postMessage({ kind: "beat", serial, now, asOf: asOf[i], down: down[i] });
  });
}

function deliverFrame([port, tab], { html, after }) {
  if (after !== undefined) tab.view = { ...tab.view, after };
  port.postMessage({ kind: "frame", serial: tab.serial, html, after });
}

/** The server-sent events of `body`: of each its type, and its data, which is JSON on one line. */
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const events = (text + read.value).split("\n\n");
    text = events.pop();
    for (const event of events) {
      const [, type, data] = /^event: (\w+)\ndata: (.*)$/.exec(event);
      yield { type, data: JSON.parse(data) };
    }
  }
}

if ("onconnect" in self) self.onconnect = ({ ports: [port] }) => attach(port);
else attach(self);
