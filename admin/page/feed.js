// Where the data come from: server-sent events, or polling where those do not get through; and how old they are.

const data = { status: null, events: [], curves: null, cluster: null };
const link = { mode: "connecting", heard: 0, clockAt: 0, source: null, failures: 0 };
const listeners = { status: [], events: [], cluster: [], link: [] };
const tell = (what) => listeners[what].forEach((listener) => listener());
const EVENTS_KEPT = 500;
const STALE_MS = 5000;

/** Milliseconds since the last word of the proxy. */
const silence = () => performance.now() - link.heard;
const isStale = () => link.heard > 0 && silence() > staleAfter();
const staleAfter = () => (link.mode === "polling" ? 2.5 * pollEvery() + STALE_MS : STALE_MS);
/** The proxy's time of day, in milliseconds, as far as we know it. */
const proxyNow = () => (data.status ? Date.parse(data.status.time) + performance.now() - link.clockAt : Date.now());
const ageOf = (iso) => ageText(proxyNow() - Date.parse(iso));

const backendCount = () => Object.values(data.status ? data.status.pools : {}).reduce((n, pool) => n + Object.keys(pool.backends).length, 0);
const pollEvery = () => Math.max(2000, backendCount() * 150);

async function getJson(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (answer.status === 401) askForLogin();
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
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

function listen() {
  link.source = new EventSource("/api/v1/events?status=1");
  const source = link.source;
  let waiting = [];
  source.addEventListener("status", (message) => {
    data.status = JSON.parse(message.data);
    link.mode = "live";
    link.failures = 0;
    stopPolling();
    heardStatus();
  });
  source.addEventListener("patch", (message) => {
    if (!data.status) return;
    merge(data.status, JSON.parse(message.data));
    heardStatus();
  });
  source.addEventListener("event", (message) => {
    if (!waiting.length) setTimeout(() => { heardEvents(waiting); waiting = []; }, 0);
    waiting.push(JSON.parse(message.data));
  });
  source.onerror = () => {
    ++link.failures;
    // A refusal closes it for good; a break is tried again by the browser. Meanwhile we ask by ourselves.
    startPolling();
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(() => { if (link.source === source) listen(); }, Math.min(30000, 2000 * link.failures));
  };
}

let pollTimer = 0;
function startPolling() {
  if (pollTimer) return;
  const round = async () => {
    try {
      const status = await getJson("/api/v1/status");
      data.status = status;
      link.mode = "polling";
      heardStatus();
      const last = data.events.length ? data.events[data.events.length - 1].id : "";
      heardEvents((await getJson(`/api/v1/events?after=${encodeURIComponent(last)}`)).events);
    } catch {
      tell("link");
    }
    if (pollTimer) pollTimer = setTimeout(round, pollEvery());
  };
  pollTimer = setTimeout(round, 50);
}
function stopPolling() {
  clearTimeout(pollTimer);
  pollTimer = 0;
}

// --- curves: what the proxy remembers of the last ten minutes, carried on here ---

const CURVE_POINTS = 120;
const STEP_MS = 5000;
const samples = new Map(); // "pool" or "pool/backend" -> [{t, requests, errors}]

async function loadCurves() {
  try {
    const history = await getJson("/api/v1/history");
    data.curves = history.pools;
  } catch {
    data.curves = data.curves || {};
  }
}

const failuresOf = (backend) => Object.values(backend.failures).reduce((a, b) => a + b, 0);

/** Requests and errors a second over the last ten seconds or so; null until there is something to compare. */
function rateOf(key) {
  const past = samples.get(key);
  if (!past || past.length < 2) {
    const curve = curveOf(key);
    return curve && curve.requests_per_s.length
      ? { requests: curve.requests_per_s.at(-1), errors: curve.errors_per_s.at(-1) } : null;
  }
  const first = past[0];
  const last = past[past.length - 1];
  const seconds = (last.t - first.t) / 1000;
  return { requests: (last.requests - first.requests) / seconds, errors: (last.errors - first.errors) / seconds };
}

function note(key, t, requests, errors) {
  let past = samples.get(key);
  if (!past) samples.set(key, (past = []));
  const last = past[past.length - 1];
  if (last && (t - last.t < 900 || requests < last.requests)) {
    if (requests < last.requests) past.length = 0; // it has been restarted
    else return;
  }
  past.push({ t, requests, errors });
  while (past.length > 2 && t - past[0].t > 10500 && past[past.length - 1].requests !== past[past.length - 2].requests) past.shift();
  while (past.length > 2 && t - past[1].t > 30000) past.shift();
}

function curveOf(key) {
  if (!data.curves) return null;
  const slash = key.indexOf("/");
  if (slash < 0) return data.curves[key] || null;
  const pool = data.curves[key.slice(0, slash)];
  return (pool && pool.backends[key.slice(slash + 1)]) || null;
}

let stepAt = 0;
function noteCurves() {
  const t = Date.parse(data.status.time);
  const steps = data.curves && t - stepAt >= STEP_MS ? Math.min(CURVE_POINTS, stepAt ? Math.floor((t - stepAt) / STEP_MS) : 1) : 0;
  if (steps) stepAt = t;
  const one = (key, requests, errors, sessions, p95) => {
    note(key, t, requests, errors);
    const curve = steps ? curveOf(key) : null;
    if (!curve) return;
    const rate = rateOf(key) || { requests: 0, errors: 0 };
    for (let i = 0; i < steps; ++i) {
      for (const [name, value] of [["requests_per_s", rate.requests], ["errors_per_s", rate.errors], ["sessions", sessions], ["p95_ms", p95]]) {
        curve[name].push(value);
        if (curve[name].length > CURVE_POINTS) curve[name].shift();
      }
    }
  };
  for (const [name, pool] of Object.entries(data.status.pools)) {
    one(name, pool.requests_total, pool.failed_total, pool.sessions, pool.latency.p95_ms);
    for (const [backend, value] of Object.entries(pool.backends)) {
      one(`${name}/${backend}`, value.requests_total, failuresOf(value), value.sessions, value.latency.p95_ms);
    }
  }
}

/** Sums of the pools' curves: what the tiles show. */
function totalCurve(name) {
  const pools = Object.values(data.curves || {});
  const length = Math.max(0, ...pools.map((pool) => pool[name].length));
  return Array.from({ length }, (_, i) => pools.reduce((sum, pool) => sum + (pool[name][pool[name].length - length + i] || 0), 0));
}
