/**
 * Says in the page's header whether what it shows is live. The stream's
 * `backend` events, which double as its heartbeat, tell whether the backend
 * answers; htmx's own events tell whether the stream itself is up.
 */
(() => {
  /** Three heartbeats: past that, the connection is dead even if nobody closed it. */
  const silenceMs = 45_000;
  const words = {
    connecting: "Connecting…",
    live: "Live",
    reconnecting: "Reconnecting…",
    lost: "Backend down",
  };
  let watchdog;

  function show(state) {
    const indicator = document.getElementById("live-indicator");
    if (!indicator || indicator.dataset.state === state) return;
    indicator.hidden = false;
    indicator.dataset.state = state;
    indicator.textContent = words[state];
  }

  function expectMore(connection) {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => connection.reader?.cancel(), silenceMs);
  }

  document.addEventListener("htmx:sse:before:connection", ({ detail }) => {
    if (detail.connection.attempt > 0) show("reconnecting");
  });
  document.addEventListener("htmx:sse:after:connection", ({ detail }) => {
    expectMore(detail.connection);
  });
  document.addEventListener("htmx:sse:before:message", ({ detail }) => {
    expectMore(detail.connection);
  });
  document.addEventListener("backend", ({ detail }) => {
    show(detail.data === "up" ? "live" : "lost");
  });
  document.addEventListener("htmx:sse:error", () => show("reconnecting"));
  document.addEventListener("htmx:error", () => show("reconnecting"));
  document.addEventListener("htmx:sse:close", () => clearTimeout(watchdog));
})();
