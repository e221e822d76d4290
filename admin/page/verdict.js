// The top of the page: how things are in words, whether the news is fresh, and the traffic.

const SHAPES = { good: "good", warn: "warn", bad: "bad", stale: "stale" };
const TONES = { good: "#0f7a55", warn: "#b96a12", bad: "#c02626", stale: "#5b6573" };

function moodNow() {
  if (!data.status || isStale()) return "stale";
  if (feltLately().count > 0) return "bad";
  return data.status.mood;
}

const STATE_WORDS = { DOWN: ["is DOWN", "are DOWN"], SICK: ["is sick", "are sick"], DRAINING: ["is draining", "are draining"], MAINT: ["is in maintenance", "are in maintenance"], STARTING: ["is starting", "are starting"] };

/** "app2 is DOWN: the connection was refused", "14 backends are DOWN (app1, app7 and 12 others)". */
function troubleWords(state, backends) {
  const [one, many] = STATE_WORDS[state];
  if (backends.length === 1) {
    const [name, b] = backends[0];
    return `${name} ${one}${state === "DOWN" || state === "SICK" ? `: ${reasonText(b.reason)}` : ""}`;
  }
  const names = backends.map(([name]) => name);
  return backends.length <= 3 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)} ${many}` : `${backends.length} backends ${many} (${listed(names)})`;
}

/** The worst first: [what is wrong, how many serve]. */
function wordsOfPools() {
  const said = [];
  const left = [];
  for (const [name, pool] of Object.entries(data.status.pools)) {
    const all = Object.entries(pool.backends);
    const inState = (state) => all.filter(([, b]) => b.state === state);
    const wrong = Object.keys(STATE_WORDS).filter((state) => inState(state).length);
    if (pool.sessions_max && pool.sessions >= pool.sessions_max) {
      said.push(`Pool ${name} is full`);
      left.push(`${count(pool.sessions)} of ${plural(pool.sessions_max, "session")}: new users are refused, users with a session stay.`);
    }
    if (!wrong.length) continue;
    const where = Object.keys(data.status.pools).length > 1 ? `Pool ${name}: ` : "";
    const keeps = inState("UP").length + inState("SICK").length + inState("DRAINING").length;
    said.push(`${where}${keeps ? "" : `Nobody serves pool ${name}: `}${wrong.map((state) => troubleWords(state, inState(state))).join("; ")}`);
    left.push(`${inState("UP").length} of ${plural(all.length, "backend")} of pool ${name} ${inState("UP").length === 1 ? "takes" : "take"} new users.`);
  }
  return [said, left];
}

function verdictWords() {
  const status = data.status;
  const [said, left] = wordsOfPools();
  const missing = status.cluster.missing;
  if (missing.length) {
    said.unshift(`${missing.length === 1 ? "Proxy" : "Proxies"} ${listed(missing)} ${missing.length === 1 ? "is" : "are"} gone`);
    left.unshift(`${missing.length === 1 ? "It has" : "They have"} died or cannot reach Redis: there was no goodbye.`);
  }
  if (!status.ready) said.unshift(`Not ready: ${status.reason}`);
  if (said.length) return [said.slice(0, 3).join(". ") + (said.length > 3 ? `; and ${count(said.length - 3)} more` : ""), left.slice(0, 3)];
  return [status.summary.split(/; \d+ sessions?(;|$)/)[0], []];
}

function updateVerdict() {
  const mood = moodNow();
  setAttribute(byId("verdict"), "data-mood", mood);
  setAttribute(byId("verdict-shape"), "href", `#s-${SHAPES[mood]}`);
  document.body.classList.toggle("stale", mood === "stale" && data.status !== null);
  if (!data.status) {
    const words = link.mode === "closed" ? "Log in to see the status" : link.failures > 2 ? "The proxy does not respond" : "Loading the status";
    setText(byId("verdict-text"), words);
    return setTitle("stale", link.mode === "closed" ? "log in" : "no response");
  }
  const [words, more] = verdictWords();
  const felt = feltLately();
  if (mood === "stale") {
    setText(byId("verdict-text"), link.mode === "closed" ? `You are logged out: this data is ${ageText(silence())} old` : `No update for ${ageText(silence())}: this data may be out of date`);
    setText(byId("verdict-more"), `Last known: ${words}.`);
    return setTitle(mood, `no update for ${ageText(silence())}`);
  }
  setText(byId("verdict-text"), `${words}.`);
  if (felt.count > 0) more.push(`${felt.all ? "" : "At least "}${plural(felt.count, "request")} got an error page${byWay()} in the last minute.`);
  else if (troubled().length && mood === "warn") more.push(felt.all ? `Nobody got an error page${byWay()} in the last minute.` : "Whether anybody got an error page in the last minute is not known yet.");
  if (data.status.redis.state === "degraded") more.push("Redis is unavailable: each proxy decides by itself, and sessions stay where they are.");
  if (data.status.cluster.state === "alone" && data.status.redis.state !== "degraded") more.push("This proxy receives nothing from the others.");
  setText(byId("verdict-more"), more.join(" "));
  setTitle(mood, words);
}

/** One proxy of several knows of its own requests only. */
const isOneOfMany = () => data.status.cluster.state !== "off";
const byWay = () => (isOneOfMany() ? " through this proxy" : "");

const troubled = () => Object.values(data.status.pools).flatMap((pool) => Object.values(pool.backends)).filter((b) => b.state !== "UP");

let titled = "";
function setTitle(mood, words) {
  const mark = { good: "✓", warn: "▲", bad: "✕", stale: "?" }[mood];
  const title = `${mark} ${data.status ? data.status.node : "Holdfast"}: ${words}`;
  if (document.title !== title) document.title = title;
  if (titled === mood) return;
  titled = mood;
  const shape = { good: "<circle cx='8' cy='8' r='7'/>", warn: "<path d='M8 1l7 13H1z'/>", bad: "<path d='M5 1h6l4 4v6l-4 4H5l-4-4V5z'/>", stale: "<circle cx='8' cy='8' r='5.5' fill='none' stroke-width='3' stroke='#5b6573'/>" }[mood];
  byId("favicon").href = "data:image/svg+xml," + encodeURIComponent(`<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16' fill='${TONES[mood]}'>${shape}</svg>`);
}

function fact(shape, tone, ...parts) {
  return h("li", {}, shape ? icon(shape, tone) : null, h("span", {}, ...parts));
}
const bold = (text) => h("b", {}, text);

let factsShown = "";
function updateFacts() {
  const status = data.status;
  const cluster = status.cluster;
  const list = [];
  if (cluster.state === "ok") {
    const all = cluster.nodes.length;
    list.push(["proxies", cluster.cut_off || cluster.missing.length ? "warn" : "good", bold(plural(all, "proxy", "proxies")), cluster.cut_off ? ", this one is cut off" : ` together, led by ${cluster.leader || "nobody yet"}${cluster.missing.length ? `; ${cluster.missing.length} gone` : ""}`]);
  } else if (cluster.state === "alone") {
    list.push(["proxies", "warn", bold("This proxy works alone"), cluster.reason ? `: ${cluster.reason}` : ""]);
  }
  const redis = status.redis;
  if (redis.state === "ok") list.push(["redis", "good", "Redis ", bold("ok"), status.redis_latency_ms === null ? "" : ` ${msText(status.redis_latency_ms)} ms`]);
  else if (redis.state === "degraded") list.push(["redis", "warn", "Redis ", bold("degraded"), redis.reason ? ` (${redis.reason})` : ""]);
  else list.push(["redis", null, "Redis off: sessions are kept in this proxy's memory"]);
  list.push(["sessions", null, bold(plural(status.sessions, "session")), " bound now"]);
  const hour = status.failovers.filter((f) => proxyNow() - Date.parse(f.began) < 3600e3);
  list.push(["failovers", null, bold(plural(hour.length, "failover")), " in the last hour"]);
  if (!status.ready) list.push(["ready", "warn", bold("Not ready"), `: ${status.reason}`]);
  const key = JSON.stringify(list.map((item) => item.map((part) => (part && part.textContent) || part)));
  if (key === factsShown) return;
  factsShown = key;
  byId("facts").replaceChildren(...list.map(([, tone, ...parts]) => fact(tone, tone, ...parts.filter((part) => part !== ""))));
}

function updateLink() {
  const stale = isStale();
  const mode = stale && link.mode !== "closed" ? "stale" : link.mode;
  setAttribute(byId("link"), "data-link", mode === "closed" ? "stale" : mode);
  const words = {
    closed: "Logged out",
    stale: `Last update ${ageText(silence())} ago`,
    live: "Live",
    polling: `Asking every ${ageText(pollEvery())}`,
    connecting: "Connecting",
  }[mode];
  setText(byId("link-text"), words);
}

const ofWhom = () => (isOneOfMany() ? "through this proxy; " : "");
const feltText = (felt) => (felt.all ? count(felt.count) : felt.count ? `at least ${count(felt.count)}` : "–");

const TILES = [
  { key: "requests", title: "Requests", unit: "/s", curve: "requests_per_s", value: (all) => rateText(all.requests), note: () => `${ofWhom()}${windowText()}; ${knowsPools() ? "curve: 10 min" : "no curve yet"}` },
  { key: "errors", title: "Error pages users got", unit: "in 1 min", curve: "errors_per_s", class: "errors", value: () => feltText(feltLately()), note: () => (feltLately().all ? `${ofWhom()}no backend could serve them` : "not known yet for the whole minute"), alarm: () => feltLately().count > 0 },
  { key: "p95", title: "95 % of responses within", unit: "ms", curve: "p95_ms", value: (all) => msText(all.p95), note: () => `${ofWhom()}last minute; slowest pool` },
  { key: "sessions", title: "Sessions", unit: "bound", curve: "sessions", value: () => count(data.status.sessions), note: "now; curve: 10 min" },
  { key: "flight", title: "In flight", unit: (all) => (all.inFlight === 1 ? "request" : "requests"), value: (all) => count(all.inFlight), note: (all) => `${plural(data.status.clients.connections, "client connection")}${all.queued ? `; ${all.queued} waiting for a slot` : ""}` },
];

function updateTiles() {
  const pools = Object.entries(data.status.pools);
  const all = {
    requests: pools.reduce((sum, [name]) => sum + ((rateOf(name) || {}).requests || 0), 0),
    p95: pools.reduce((most, [, pool]) => (pool.latency.p95_ms === null ? most : Math.max(most === null ? 0 : most, pool.latency.p95_ms)), null),
    inFlight: pools.flatMap(([, pool]) => Object.values(pool.backends)).reduce((sum, b) => sum + b.requests_in_flight, 0),
    queued: pools.flatMap(([, pool]) => Object.values(pool.backends)).reduce((sum, b) => sum + b.requests_queued, 0),
  };
  keyed(byId("tiles"), TILES, (tile) => tile.key, (tile) => {
    const box = h("article", { class: "tile" }, h("h3", {}, tile.title), h("p", { class: "big" }, h("span"), h("small")), h("p", { class: "note" }));
    if (tile.curve) box.append(spark(tile.class));
    return box;
  }, (box, tile) => {
    setText(box.querySelector(".big span"), tile.value(all));
    setText(box.querySelector(".big small"), typeof tile.unit === "function" ? tile.unit(all) : tile.unit);
    setText(box.querySelector(".note"), typeof tile.note === "function" ? tile.note(all) : tile.note);
    box.classList.toggle("alarm", Boolean(tile.alarm && tile.alarm()));
    if (tile.curve) drawSpark(box.querySelector(".spark"), tile.key === "p95" ? worstCurve("p95_ms") : totalCurve(tile.curve));
  });
}
