// Pools and their backends: a table each; a hive of shapes before it where there are many.

const MANY = 24;
const ROWS_SHOWN = 60; // of those that need a look
const view = { filter: new Map(), all: new Set(), open: new Set() };

/** What an operator should look at. */
const needsEyes = (b) => b.state !== "UP" || b.suspect || (b.slow_start_percent !== null && b.slow_start_percent !== undefined);

function shownBackends(pool, entries) {
  const filter = (view.filter.get(pool) || "").toLowerCase();
  if (filter) return entries.filter(([name, b]) => `${name} ${b.address} ${b.state} ${b.reason}`.toLowerCase().includes(filter));
  if (entries.length <= MANY || view.all.has(pool)) return entries;
  return lookedAt(pool, entries).slice(0, ROWS_SHOWN);
}
const lookedAt = (pool, entries) => entries.filter(([name, b]) => needsEyes(b) || view.open.has(`${pool}/${name}`));

function updateBackends() {
  keyed(byId("backends"), Object.entries(data.status.pools), ([name]) => name, ([name]) => makePool(name), updatePool);
}

function makePool(name) {
  const filter = h("input", { class: "filter", type: "search", placeholder: "Find a backend", "aria-label": `Find a backend of pool ${name}`, autocomplete: "off",
    oninput: (event) => { view.filter.set(name, event.target.value); updateBackends(); } });
  const head = h("div", { class: "pool-head" }, h("h2", {}, "Pool ", h("span", {}, name)), h("div", { class: "share", "aria-hidden": "true" }), h("span", { class: "counts" }), filter);
  const columns = [["Backend"], ["State"], ["Users", "n", "bound now"], ["Requests", "n rate-head", " "], ["In flight", "n", "now"], ["First byte", "n", "p50 / p95 / p99, last min"], ["Failed / retried", "n", "since start"], ["Probes", null, "the last 20"], [""]];
  const table = h("table", { class: "backends" }, h("thead", {}, h("tr", {}, ...columns.map(([text, cls, small]) => h("th", { scope: "col", class: cls || null }, text || h("span", { class: "unseen" }, "Actions"), small ? h("small", {}, small) : null)))), h("tbody"));
  return h("article", { class: "pool", "aria-label": `Pool ${name}` }, head, h("div", { class: "hive" }), h("div", { class: "table" }, table), h("div", { class: "more-row", hidden: true }));
}

function updatePool(card, [name, pool]) {
  const entries = Object.entries(pool.backends);
  const states = new Map();
  for (const [, b] of entries) states.set(b.state, (states.get(b.state) || 0) + 1);
  const order = ["UP", "STARTING", "SICK", "DRAINING", "MAINT", "DOWN"].filter((state) => states.has(state));
  const share = card.querySelector(".share");
  keyed(share, order, (state) => state, (state) => h("span", { class: `tone ${state}` }), (part, state) => part.style.setProperty("--n", states.get(state)));
  // Red only where users feel it: nobody left in the pool to serve them.
  const serving = entries.some(([, b]) => ["UP", "SICK", "DRAINING"].includes(b.state));
  card.classList.toggle("felt", !serving);
  setText(card.querySelector(".counts"), `${order.map((state) => `${states.get(state)} ${state}`).join(", ")} · ${pool.sessions_max ? `${count(pool.sessions)} of ` : ""}${plural(pool.sessions_max || pool.sessions, "session")}${pool.sessions_refused_total ? ` · ${count(pool.sessions_refused_total)} refused since the start` : ""} · probed every ${lengthText(pool.probe_interval_ms)}`);
  setHidden(card.querySelector(".filter"), entries.length < 6);
  updateHive(card.querySelector(".hive"), name, entries);
  const shown = shownBackends(name, entries);
  const rows = shown.flatMap(([backend, b]) => {
    const key = `${name}/${backend}`;
    const row = { id: key, key, pool: name, name: backend, b, details: false };
    return view.open.has(key) || b.state === "DRAINING" ? [row, { ...row, id: `${key} details`, details: true }] : [row];
  });
  keyed(card.querySelector("tbody"), rows, (row) => row.id, (row) => (row.details ? makeDetails(row) : makeRow(row)), (element, row) => (row.details ? updateDetails : updateRow)(element, row));
  setText(card.querySelector(".rate-head small"), `${windowText()}; curve: 10 min`);
  updateMore(card.querySelector(".more-row"), name, entries, shown.length);
}

function updateHive(hive, pool, entries) {
  setHidden(hive, entries.length <= MANY);
  if (entries.length <= MANY) return;
  keyed(hive, entries, ([name]) => name, ([name]) => h("button", { type: "button", onclick: () => toggle(`${pool}/${name}`) }, icon("UP")), (button, [name, b]) => {
    setAttribute(button, "class", `tone ${b.state}`);
    setAttribute(button.querySelector("use"), "href", `#s-${b.state}`);
    const words = `${name}: ${b.state}${b.reason ? `, ${reasonText(b.reason)}` : ""}, ${plural(b.sessions, "user")}`;
    setAttribute(button, "title", words);
    setAttribute(button, "aria-label", words);
  });
}

function updateMore(row, pool, entries, shown) {
  const all = entries.length;
  setHidden(row, all <= MANY);
  if (all <= MANY) return;
  if (!row.firstChild) {
    row.append(h("span"), h("button", { type: "button", class: "quiet small", onclick: () => {
      if (view.all.has(pool)) view.all.delete(pool); else view.all.add(pool);
      updateBackends();
    } }));
  }
  const everything = view.all.has(pool);
  setText(row.firstChild, view.filter.get(pool) ? `${shown} of ${all} match.` : everything ? `All ${all} are shown.` : moreWords(shown, lookedAt(pool, entries).length, all));
  setText(row.lastChild, everything ? "Show those that need attention" : `Show all ${all}`);
}

function moreWords(shown, needing, all) {
  if (!needing) return `All ${all} are well: none needs attention.`;
  if (shown < needing) return `Shown: the first ${shown} of ${needing} that need attention, of ${all} in all.`;
  return `Shown: the ${shown === 1 ? "one that needs" : `${shown} that need`} attention, of ${all}.`;
}

function toggle(key) {
  if (view.open.has(key)) view.open.delete(key); else view.open.add(key);
  updateBackends();
}

function makeRow({ key, pool, name }) {
  const cell = (className, label, ...children) => h("td", { class: className, "data-label": label }, ...children);
  const row = h("tr", { class: "backend", "data-backend": key });
  row.append(
    h("th", { scope: "row" }, h("span", { class: "name-line" }, h("button", { type: "button", class: "expand", "aria-expanded": "false", "aria-label": `Details of ${name}`, onclick: () => toggle(key) }, icon("chevron")), h("span", { class: "wrap" }, name)), h("span", { class: "address" })),
    h("td", { class: "state" }, h("span", { class: "badge-place" }), h("span", { class: "why" })),
    cell("n", "Users bound", h("span", { class: "bound" }), h("span", { class: "lately soft" })),
    cell("n", "Requests", h("span", { class: "rate" }, h("span"), spark())),
    cell("n", "In flight", h("span", { class: "flight" }), h("span", { class: "meter", hidden: true }, h("i"))),
    cell("n lat", "First byte p50 / p95 / p99", h("span")),
    cell("n", "Failed / retried", h("span", { class: "failed" })),
    cell("wide", "Last 20 probes", s("svg", { class: "probes" })),
    h("td", { class: "act n" }, actionButton(pool, name)));
  return row;
}

function updateRow(row, { key, pool, name, b }) {
  setText(row.querySelector(".address"), b.address + (b.backup ? " · backup" : "") + (b.weight === 1 ? "" : ` · weight ${b.weight}`));
  setAttribute(row.querySelector(".expand"), "aria-expanded", String(view.open.has(key)));
  const place = row.querySelector(".badge-place");
  if (place.dataset.state !== b.state) {
    place.dataset.state = b.state;
    place.replaceChildren(badge(b.state));
  }
  setText(row.querySelector(".why"), whyText(b));
  row.querySelector(".why").title = `since ${dayAndClock(b.since)}`;
  setText(row.querySelector(".bound"), b.sessions_max ? `${count(b.sessions)} of ${count(b.sessions_max)}` : count(b.sessions));
  setText(row.querySelector(".lately"), activeText(b));
  row.querySelector(".lately").title = activeWords();
  const rate = rateOf(key);
  setText(row.querySelector(".rate span"), `${rateText(rate && rate.requests)}/s`);
  const curve = curveOf(key);
  drawSpark(row.querySelector(".rate .spark"), curve ? curve.requests_per_s : [], 0.5);
  const flight = b.requests_in_flight;
  setText(row.querySelector(".flight"), (b.requests_max ? `${count(flight)} of ${count(b.requests_max)}` : count(flight)) + (b.requests_queued ? ` · ${b.requests_queued} wait` : ""));
  const meter = row.querySelector(".meter");
  setHidden(meter, !b.requests_max);
  meter.classList.toggle("full", b.requests_max > 0 && flight >= b.requests_max);
  meter.firstChild.style.width = b.requests_max ? `${Math.min(100, (100 * flight) / b.requests_max)}%` : "0";
  const l = b.latency;
  setText(row.querySelector(".lat span"), l.count ? `${msText(l.p50_ms)} / ${msText(l.p95_ms)} / ${msText(l.p99_ms)} ms` : "no requests");
  row.querySelector(".lat span").classList.toggle("soft", !l.count);
  const failed = failuresOf(b);
  setText(row.querySelector(".failed"), `${short(failed)} / ${short(b.retries_total)}`);
  row.querySelector(".failed").title = wordsOf(b.failures) || "no attempt failed";
  drawProbes(row.querySelector(".probes"), b.probe.history);
  updateActionButton(row.querySelector(".act button"), pool, name, b);
}

const activeWords = () => `active: a request within the last ${lengthText(data.status.session_active_within_seconds * 1000)}`;
/** How many of the users bound to it have been there lately; nothing where nobody is, or it is not counted yet. */
const activeText = (b) => (b.sessions && b.sessions_active !== null ? `${count(b.sessions_active)} active` : "");

function whyText(b) {
  const since = `for ${ageOf(b.since)}`;
  const parts = [];
  if (b.suspect && b.state === "UP") parts.push("suspect: failed just now, being looked at");
  if (b.slow_start_percent) parts.push(`slow start: ${b.slow_start_percent} % of its share`);
  if (b.state !== "UP" && b.reason === "operator") parts.push(`by ${b.ordered_by || "an operator"}`);
  else if (b.state !== "UP" && b.reason) parts.push(withDetail(b.reason, b.detail));
  parts.push(since);
  return parts.join(" · ");
}

const wordsOf = (counts) => Object.entries(counts).filter(([, n]) => n > 0).map(([word, n]) => `${count(n)} ${word.replaceAll("_", " ")}`).join(", ");

// --- details ---

function makeDetails({ key, pool, name }) {
  const box = h("td", { colspan: 9 }, h("div", { class: "drain-place" }), h("div", { class: "detail-grid" },
    h("div", {}, h("h4", {}, "Health"), h("dl", { class: "health" })),
    h("div", {}, h("h4", {}, "Work since this proxy started"), h("dl", { class: "work" })),
    h("div", {}, h("h4", {}, "Last probes"), h("ol", { class: "probe-list", tabindex: "0", "aria-label": `Last probes of ${name}` })),
    h("div", {}, h("h4", {}, "Users, last 10 min"), spark("users"), h("div", { class: "buttons actions" }))));
  const row = h("tr", { class: "details", "data-details": key }, box);
  row.querySelector(".actions").append(...orderButtons(pool, name));
  return row;
}

function setPairs(list, pairs) {
  keyed(list, pairs.flatMap(([term, text]) => [{ key: `t${term}`, tag: "dt", text: term }, { key: `d${term}`, tag: "dd", text }]), (part) => part.key, (part) => h(part.tag), (element, part) => setText(element, part.text));
}

function updateDetails(row, { key, pool, name, b }) {
  updateDrain(row.querySelector(".drain-place"), key, pool, name, b);
  const open = view.open.has(key);
  setHidden(row.querySelector(".detail-grid"), !open);
  if (!open) return;
  setPairs(row.querySelector(".health"), [
    ["State", `${b.state}: ${STATES[b.state]}`],
    ["Since", `${dayAndClock(b.since)} (${ageOf(b.since)})`],
    ["Reason", b.reason ? `${b.reason}: ${reasonText(b.reason)}${b.detail ? `; ${b.detail}` : ""}` : "all well"],
    ["Probes", `${count(b.probe.passed_total)} passed, ${count(b.probe.failed_total)} failed`],
    ["Slow start", b.slow_start_percent ? `${b.slow_start_percent} % of its share of new users` : "done"],
  ]);
  setPairs(row.querySelector(".work"), [
    ["Users bound", `${count(b.sessions)}${b.sessions_active === null ? "" : `, ${count(b.sessions_active)} ${activeWords()}`}`],
    ["Requests sent to it", `${count(b.requests_total)} on ${plural(b.connects_total, "connection")}`],
    ["Responses", Object.entries(b.answers).filter(([, n]) => n > 0).map(([code, n]) => `${count(n)} ${code}`).join(", ") || "none"],
    ["Failed attempts", wordsOf(b.failures) || "none"],
    ["Retried elsewhere", count(b.retries_total)],
    ["Users moved away", b.moved_away_total ? `${count(b.moved_away_total)} (${wordsOf(b.moved_away) || "reason unknown"})` : "none"],
    ["In flight", b.requests_max ? `${b.requests_in_flight} of at most ${b.requests_max}; ${b.requests_queued} wait` : `${b.requests_in_flight}, no limit`],
  ]);
  const probes = [...b.probe.history].reverse();
  keyed(row.querySelector(".probe-list"), probes, (probe) => probe[0], (probe) => h("li", {}, h("time", {}, clock(probe[0])), h("span", { class: probe[3] ? "warn" : "" }, probe[3] ? "failed" : "passed"), h("span", {}, probeFound(probe)), h("span", { class: "soft" }, lengthText(probe[1]))), () => {});
  const curve = curveOf(key);
  drawSpark(row.querySelector(".users"), curve ? curve.sessions : [], 4);
  updateOrderButtons(row.querySelector(".actions"), b);
}
