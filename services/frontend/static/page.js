/**
 * Keeps an open page true: shows what its live stream brings, lets ages tick by
 * the server's clock, and says how old all of it is as soon as news stay away,
 * whoever is to blame.
 */
import {
  ageWords,
  aheadWords,
  deviceState,
  lastSign,
  staleAfterMs,
  stateWords,
} from "./freshness.js";

const tickMs = 1_000;
/** How often the worker hears that this tab is there. */
const presenceMs = 4_000;
/** A tab that has just come to the front is given this long before it owns up to being old. */
const patienceMs = 1_500;
/** How fast this machine's clock and the server's may drift apart, in milliseconds a millisecond. */
const drift = 0.001;

let worker;
let serials = 0;
/** What this tab is shown of, and how that stands: undefined while it is hidden or has no view. */
let view;
/** The server's clock less `localMs`, and when that was found. */
let offset;
let offsetMs = 0;
let clockIsOld = true;
let swaps = Promise.resolve();

let local = 0;
let lastPerformance = performance.now();
let lastDate = Date.now();

/** Steady milliseconds, in which the time that the machine slept counts too. */
function localMs() {
  const byPerformance = performance.now() - lastPerformance;
  const byDate = Date.now() - lastDate;
  lastPerformance += byPerformance;
  lastDate += byDate;
  const slept = byDate - byPerformance > 1_000;
  // Or the clock was set: the server's next word settles it.
  if (slept) clockIsOld = true;
  local += slept ? byDate : byPerformance;
  return local;
}

function serverMs() {
  return localMs() + offset;
}

/** The least delayed of what the server said of its clock counts, or old news would look fresh. */
function setClock(serverNowMs) {
  const now = localMs();
  const found = serverNowMs - now;
  offset = clockIsOld ? found : Math.max(found, offset - drift * (now - offsetMs));
  clockIsOld = false;
  offsetMs = now;
}

function openWorker() {
  const url = new URL("./live_worker.js", import.meta.url);
  const give = (port, source) => {
    port.onmessage = ({ data }) => receive(data);
    source.onerror = () => {
      worker = undefined;
      if (view !== undefined) view = { ...view, worker: undefined, trouble: "away" };
    };
    return port;
  };
  try {
    const shared = new SharedWorker(url, { type: "module", name: "live" });
    return give(shared.port, shared);
  } catch {
    const own = new Worker(url, { type: "module" });
    return give(own, own);
  }
}

/** Watches what the document shows now, and tells the worker of it. */
function attend() {
  const element = document.hidden ? null : document.getElementById("live");
  if (element !== (view?.element ?? null)) {
    // What was live has been replaced by something that is not, such as a notice.
    if (element === null && !document.hidden) indicate("off");
    leave();
    if (element !== null) view = viewOf(element);
  }
  if (view === undefined || localMs() - view.toldMs < presenceMs) return;
  worker ??= openWorker();
  if (view.worker !== worker) {
    view.worker = worker;
    view.serial = ++serials;
  }
  view.toldMs = localMs();
  const { live, after } = view.element.dataset;
  worker.postMessage({ kind: "show", serial: view.serial, view: { ...JSON.parse(live), after } });
}

function viewOf(element) {
  const asOf = Number(element.dataset.asOf);
  if (offset === undefined) setClock(asOf);
  return { element, asOf, sinceMs: localMs(), serial: 0, toldMs: -Infinity };
}

function leave() {
  if (view === undefined) return;
  worker?.postMessage({ kind: "leave" });
  view = undefined;
}

function receive(message) {
  if (message.serial !== view?.serial) return;
  const { element } = view;
  if (message.kind === "open") {
    // Maybe to another server, whose clock differs.
    clockIsOld = true;
    view.connected = false;
  } else if (message.kind === "beat") {
    setClock(message.now);
    if (serverMs() - message.now >= staleAfterMs) worker.postMessage({ kind: "late" });
    view.connected = message.asOf !== null;
    view.asOf = message.asOf ?? view.asOf;
    element.dataset.asOf = view.asOf;
    view.down = message.down;
    view.trouble = undefined;
  } else if (message.kind === "trouble") {
    view.trouble = message.trouble;
  } else if (message.kind === "frame") {
    if (message.after !== undefined) element.dataset.after = message.after;
    const swap = { text: message.html, sourceElement: element, target: element, swap: "none" };
    swaps = swaps.then(() => globalThis.htmx.swap(swap)).then(render);
  }
  render();
}

function render() {
  if (offset === undefined) return;
  const now = serverMs();
  const stale = view !== undefined && now - view.asOf >= staleAfterMs;
  if (view !== undefined) describe(now, stale);
  // While news stay away, silence is that of the news, not of the device.
  const knownMs = stale ? view.asOf : now;
  for (const element of document.querySelectorAll("[data-signs]")) {
    const signs = element.dataset.signs.split(" ").filter(Boolean).map(Number);
    show(element, now, knownMs, signs, stale);
  }
}

function show(element, now, knownMs, signs, stale) {
  const { intervalMs } = element.dataset;
  if (element.classList.contains("state")) {
    const state = deviceState(signs, intervalMs && Number(intervalMs), knownMs);
    setText(element, stateWords(state, stale));
    setClass(element, `state ${stale ? "past" : state}`);
  } else if (element.classList.contains("ahead")) {
    setText(element, aheadWords(lastSign(signs, now).aheadMs));
  } else {
    setText(element, ageWords(Number(element.dataset.signs), now));
  }
}

function describe(now, stale) {
  document.documentElement.toggleAttribute("data-stale", stale);
  const waiting = view.trouble === undefined && !view.connected;
  const age = stale ? ageInBrief(now - view.asOf) : undefined;
  if (view.down) indicate("lost", "Backend down", age && ` · no news for ${age}`);
  else if (view.trouble === "busy") {
    indicate("lost", "Too many live pages", age && ` · no news for ${age}`);
  } else if (waiting && (!stale || localMs() - view.sinceMs < patienceMs)) {
    indicate("connecting", "Connecting…");
  } else if (stale) indicate("stale", "No news", ` for ${age}`);
  else if (view.trouble === "away") indicate("connecting", "Reconnecting…");
  else indicate("live", "Live");
}

function ageInBrief(ms) {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3_600)} h`;
}

/** `state` is announced, when it changes; `age`, which ticks, is only shown. */
function indicate(state, words = "", age = "") {
  const indicator = document.getElementById("live-indicator");
  if (indicator === null) return;
  indicator.hidden = state === "off";
  if (state === "off") document.documentElement.removeAttribute("data-stale");
  if (indicator.dataset.state !== state) indicator.dataset.state = state;
  setText(indicator.querySelector(".words"), words);
  setText(indicator.querySelector(".age"), age);
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setClass(element, name) {
  if (element.className !== name) element.className = name;
}

function tick() {
  attend();
  render();
}

document.addEventListener("visibilitychange", tick);
document.addEventListener("htmx:after:swap", tick);
globalThis.addEventListener("pageshow", tick);
globalThis.addEventListener("pagehide", leave);
setInterval(tick, tickMs);
tick();
