// Where the data come from: server-sent events, or polling where those do not get through; and how old they are.

const data = { status: null, events: [], curves: null, cluster: null };
const link = { mode: "connecting", heard: 0, clockAt: 0, source: null, failures: 0, again: 0 };
const listeners = { status: [], events: [], cluster: [], link: [] };
const tell = (what) => listeners[what].forEach((listener) => listener());
const EVENTS_KEPT = 500;
const STALE_MS = 5000;
const FIRST_WORD_MS = 10000;
const ANSWER_MS = 20000;

/** Milliseconds since the last word of the proxy. */
const silence = () => performance.now() - link.heard;
const isStale = () => link.mode === "closed" || (link.heard > 0 && silence() > staleAfter());
const staleAfter = () => (link.mode === "polling" ? 2.5 * pollEvery() + STALE_MS : STALE_MS);
/** The proxy's time of day, in milliseconds, as far as we know it. */
const proxyNow = () => (data.status ? Date.parse(data.status.time) + performance.now() - link.clockAt : Date.now());
const ageOf = (iso) => ageText(proxyNow() - Date.parse(iso));

const backendCount = () => Object.values(data.status ? data.status.pools : {}).reduce((n, pool) => n + Object.keys(pool.backends).length, 0);
const pollEvery = () => Math.max(2000, backendCount() * 150);

async function getJson(path) {
  const response = await fetch(path, { headers: { Accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
  if (response.status === 401) {
    hangUp();
    askForLogin();
  }
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

/** A JSON merge patch (RFC 7396); but what a patch says of a "history" comes behind what is there. */
function merge(target, patch) {
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) target[key] = null;
    else if (key === "history" && Array.isArray(target[key])) {
      const old = new Set(target[key].map((probe) => probe[0]));
      target[key] = target[key].concat(value.filter((probe) => !old.has(probe[0]))).slice(-PROBES_SHOWN);
    } else if (typeof value === "object" && !Array.isArray(value) && target[key] && typeof target[key] === "object") {
      merge(target[key], value);
    } else target[key] = value;
  }
}
/** A backend or pool that a patch takes away is gone, not null. */
function dropGone(status) {
  for (const [name, pool] of Object.entries(status.pools)) {
    if (pool === null) { delete status.pools[name]; continue; }
    for (const [backend, value] of Object.entries(pool.backends)) if (value === null) delete pool.backends[backend];
  }
}

function heardStatus() {
  link.heard = link.clockAt = performance.now();
  dropGone(data.status);
  noteCurves();
  tell("status");
  tell("link");
}

function heardEvents(fresh) {
  const known = new Set(data.events.map((event) => event.id));
  const news = fresh.filter((event) => !known.has(event.id));
  if (!news.length) return;
  data.events = data.events.concat(news).slice(-EVENTS_KEPT);
  tell("events");
}

/** Once we may look. */
async function begin() {
  if (link.mode === "closed") link.mode = "connecting";
  if (!data.curves) await loadCurves();
  if (!link.source && link.mode !== "closed") listen();
}

/** At a logout, or when told that a login is over: nothing more is asked. */
function hangUp() {
  if (link.source) link.source.close();
  link.source = null;
  clearTimeout(link.again);
  stopPolling();
  link.mode = "closed";
  tell("link");
}

/** The proxy says something each second. A stream that is silent for longer is held back by something in between, or
    the proxy is gone: then we ask by ourselves, and try the stream again later. */
function listen() {
  const source = new EventSource("/api/v1/events?status=1");
  const began = performance.now();
  clearTimeout(link.again);
  link.source = source;
  let waiting = [];
  let watch = 0;
  const giveUp = () => {
    clearTimeout(watch);
    source.close();
    if (link.source !== source) return;
    link.source = null;
    ++link.failures;
    startPolling();
    link.again = setTimeout(listen, Math.min(30000, 2000 * link.failures));
  };
  const expectWord = (within) => {
    clearTimeout(watch);
    watch = setTimeout(giveUp, within);
  };
  const heard = () => {
    expectWord(STALE_MS);
    if (performance.now() - began > 30000) link.failures = 0;
    link.mode = "live";
    stopPolling();
    heardStatus();
  };
  source.addEventListener("status", (message) => {
    data.status = JSON.parse(message.data);
    heard();
  });
  source.addEventListener("patch", (message) => {
    if (!data.status) return;
    merge(data.status, JSON.parse(message.data));
    heard();
  });
  source.addEventListener("event", (message) => {
    if (!waiting.length) setTimeout(() => { heardEvents(waiting); waiting = []; }, 0);
    waiting.push(JSON.parse(message.data));
  });
  source.onerror = () => {
    // A refusal closes it for good; a break is tried again by the browser. Meanwhile we ask by ourselves.
    if (source.readyState === EventSource.CLOSED) return giveUp();
    ++link.failures;
    startPolling();
    expectWord(FIRST_WORD_MS);
  };
  expectWord(FIRST_WORD_MS);
}

let polling = null;
function startPolling() {
  if (polling) return;
  const mine = (polling = {});
  const round = async () => {
    try {
      const status = await getJson("/api/v1/status");
      if (polling !== mine) return;
      data.status = status;
      link.mode = "polling";
      heardStatus();
      const last = data.events.length ? data.events[data.events.length - 1].id : "";
      heardEvents((await getJson(`/api/v1/events?after=${encodeURIComponent(last)}`)).events);
    } catch {
      tell("link");
    }
    if (polling === mine) mine.timer = setTimeout(round, pollEvery());
  };
  mine.timer = setTimeout(round, 50);
}
function stopPolling() {
  if (polling) clearTimeout(polling.timer);
  polling = null;
}
