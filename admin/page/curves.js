// Curves: what the proxy remembers of the last ten minutes, carried on here; and rates over a while that the page names.

const CURVE_POINTS = 120;
const STEP_MS = 5000;
const NUMBERS_AT_ONCE = 24; // backends whose numbers the stream brings each second: those of more go round
const samples = new Map(); // "pool" or "pool/backend" -> [{t, requests, errors}]
let rateSpan = 10000;
let stepAt = 0; // the proxy's time of the last point
let curvesAsked = -Infinity;

async function loadCurves() {
  curvesAsked = performance.now();
  try {
    const history = await getJson("/api/v1/history");
    data.curves = history.pools;
    stepAt = Date.parse(history.time);
  } catch { /* the next status asks again */ }
}

/** Those of a pool or backend that a reload has added are not known, until the proxy has noted it. */
function lacksCurves() {
  return !data.curves || Object.entries(data.status.pools).some(([name, pool]) =>
    !data.curves[name] || Object.keys(pool.backends).some((backend) => !data.curves[name].backends[backend]));
}
const missesPoints = () => Math.abs(Date.parse(data.status.time) - stepAt) > Math.max(20000, 2 * rateSpan);
const knowsPools = () => data.curves !== null && !missesPoints() && Object.keys(data.status.pools).every((name) => data.curves[name]);

function curveOf(key) {
  if (!data.curves) return null;
  const slash = key.indexOf("/");
  if (slash < 0) return data.curves[key] || null;
  const pool = data.curves[key.slice(0, slash)];
  return (pool && pool.backends[key.slice(slash + 1)]) || null;
}

/** How far back rates look: ten seconds, or two rounds of the numbers where these take longer. */
function windowMs() {
  const round = link.mode === "polling" ? pollEvery() : Math.ceil(backendCount() / NUMBERS_AT_ONCE) * 1000;
  return Math.max(10000, Math.ceil((2 * round) / 10000) * 10000);
}
const windowText = () => `last ${rateSpan / 1000} s`;

/** Requests and errors a second over windowText(); null until there is something to compare. */
function rateOf(key) {
  const past = samples.get(key) || [];
  const first = past[0];
  const last = past[past.length - 1];
  const seconds = past.length > 1 ? (last.t - first.t) / 1000 : 0;
  const curve = curveOf(key);
  if (seconds * 2000 < rateSpan && curve && curve.requests_per_s.length) {
    // We have not listened for long: the proxy has.
    const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
    const points = -Math.round(rateSpan / STEP_MS);
    return { requests: mean(curve.requests_per_s.slice(points)), errors: mean(curve.errors_per_s.slice(points)) };
  }
  if (!seconds) return null;
  return { requests: (last.requests - first.requests) / seconds, errors: (last.errors - first.errors) / seconds };
}

function note(key, t, requests, errors) {
  let past = samples.get(key);
  if (!past) samples.set(key, (past = []));
  const last = past[past.length - 1];
  if (last && (requests < last.requests || t < last.t || t - last.t > rateSpan)) past.length = 0; // it was restarted, or we slept
  else if (last && t - last.t < 900) return;
  past.push({ t, requests, errors });
  while (past.length > 2 && t - past[1].t > rateSpan - 500) past.shift();
}

/** After each status: a point on each curve every five seconds. */
function noteCurves() {
  const t = Date.parse(data.status.time);
  rateSpan = windowMs();
  const missed = missesPoints();
  if ((missed || lacksCurves()) && performance.now() - curvesAsked > STEP_MS) loadCurves();
  const steps = missed || !data.curves ? 0 : Math.max(0, Math.floor((t - stepAt) / STEP_MS));
  stepAt += steps * STEP_MS;
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

const failuresOf = (backend) => Object.values(backend.failures).reduce((a, b) => a + b, 0);

/** The pools' curves as one, from the first point that any has: what the tiles show. */
function joinCurves(name, join) {
  const curves = Object.keys(data.status.pools).map(curveOf).filter(Boolean).map((curve) => curve[name]);
  const length = Math.max(0, ...curves.map((values) => values.length));
  return Array.from({ length }, (_, i) => curves.map((values) => values[values.length - length + i]).reduce(join, null));
}
const totalCurve = (name) => joinCurves(name, (sum, value) => (sum || 0) + (value || 0));
const worstCurve = (name) => joinCurves(name, (most, value) => (value === null || value === undefined ? most : Math.max(most || 0, value)));

/** Error pages of this proxy in the last minute: what users felt, whatever the backends' states say. `all`: it is
    known of the whole minute, not only of what we have seen ourselves. */
function feltLately() {
  const names = Object.keys(data.status.pools);
  const seen = names.reduce((sum, name) => {
    const past = samples.get(name) || [];
    return past.length ? sum + past[past.length - 1].errors - past[0].errors : sum;
  }, 0);
  const minute = totalCurve("errors_per_s").slice(-12).reduce((a, b) => a + b, 0) * (STEP_MS / 1000);
  return { count: Math.max(Math.round(minute), seen), all: knowsPools() };
}
