// The proxies, and what each sees of the backends; measured failovers.

function updateFailovers() {
  const failovers = data.status.failovers;
  const body = byId("failovers-body");
  const key = JSON.stringify(failovers.slice(0, 6));
  if (body.shown === key) return;
  body.shown = key;
  if (!failovers.length) return body.replaceChildren(h("p", { class: "hint" }, "None since this proxy started."));
  body.replaceChildren(...failovers.slice(0, 6).map((f) => {
    const served = f.failover_ms === null ? "No request was affected." : `${plural(f.requests_rescued, "request")} met the failure and ${f.requests_rescued === 1 ? "was" : "were"} served elsewhere, the last ${lengthText(f.failover_ms)} after the first failure; the longest wait was ${lengthText(f.longest_wait_ms)}.`;
    const failed = f.requests_failed ? ` ${plural(f.requests_failed, "request")} failed.` : " No request failed.";
    return h("div", { class: "failover" },
      h("div", { class: "failover-head" }, h("b", {}, `${f.pool}/${f.backend}`), h("span", { class: "soft" }, reasonText(f.reason)), f.over ? null : h("span", { class: "warn" }, "still down"), h("time", { datetime: f.began }, clock(f.began))),
      raceOf(f), h("p", {}, `Noticed after ${lengthText(f.noticed_ms)}. ${plural(f.users_moved, "user")} moved so far. ${served}${failed}`));
  }));
}

let clusterTimer = 0;
async function loadCluster() {
  clearTimeout(clusterTimer);
  let next = 3000;
  try {
    if (!document.hidden && link.mode !== "closed" && data.status && data.status.cluster.state !== "off") {
      data.cluster = await getJson("/api/v1/cluster");
      // What each proxy sees of hundreds of backends is asked for less often: 5 kB a second are enough.
      next = Math.max(3000, JSON.stringify(data.cluster).length / 5);
      updateProxies();
    }
  } catch { /* the next round asks again */ }
  clusterTimer = setTimeout(loadCluster, next);
}

const WORDS = { passing: ["UP", "passing"], sick: ["SICK", "sick"], failing: ["DOWN", "failing"], starting: ["STARTING", "not probed yet"] };

function updateProxies() {
  const status = data.status;
  const body = byId("proxies-body");
  if (status.cluster.state === "off") {
    setText(byId("proxies-note"), "");
    if (body.shown !== "off") body.replaceChildren(h("p", { class: "hint" }, `${status.node} works alone: the configuration has no [cluster].`));
    body.shown = "off";
    return;
  }
  const cluster = data.cluster;
  const alive = new Set(status.cluster.nodes);
  if (!cluster) return;
  const nodes = cluster.nodes.filter((node) => alive.has(node.name));
  setText(byId("proxies-note"), status.cluster.state === "alone" ? `alone: ${status.cluster.reason}` : `${plural(alive.size, "proxy", "proxies")} alive, by leases of 3 s in Redis`);
  const gone = status.cluster.missing;
  const key = JSON.stringify([nodes, status.cluster.leader, gone, [...alive]]);
  if (body.shown === key) return;
  body.shown = key;
  const cards = nodes.map((node) => h("div", { class: `proxy${node.self ? " self" : ""}`, "data-node": node.name },
    icon(node.cut_off ? "warn" : "good", node.cut_off ? "warn" : "good"),
    h("span", {}, node.name, h("small", {}, [node.self ? "this one" : "", node.leader ? "leader" : "", node.cut_off ? "cut off" : "alive"].filter(Boolean).join(", ")))));
  cards.push(...gone.map((name) => h("div", { class: "proxy", "data-node": name }, icon("stale"), h("span", {}, name, h("small", {}, "gone: its lease has ended")))));
  body.replaceChildren(h("div", { class: "nodes" }, ...cards), matrixOf(nodes));
}

const ROWS_MAX = 40;

function matrixOf(nodes) {
  const backends = new Map();
  nodes.forEach((node, i) => Object.entries(node.sees).forEach(([name, seen]) => {
    if (!backends.has(name)) backends.set(name, []);
    backends.get(name)[i] = seen;
  }));
  const rows = [...backends].map(([name, cells]) => ({ name, cells, split: new Set(nodes.map((_, i) => (cells[i] ? cells[i].probe : "?"))).size > 1 }));
  const interesting = rows.length <= MANY ? rows : rows.filter((row) => row.split || row.cells.some((cell) => cell && cell.probe !== "passing"));
  const shown = interesting.filter((row) => row.split).concat(interesting.filter((row) => !row.split)).slice(0, ROWS_MAX);
  const head = h("tr", {}, h("th", { scope: "col" }, "Seen by"), ...nodes.map((node) => h("th", { scope: "col" }, node.name)));
  const lines = shown.map((row) => h("tr", { class: row.split ? "split" : null }, h("th", { scope: "row", class: "wrap" }, row.name, row.split ? h("small", { class: "warn" }, " they disagree") : null),
    ...nodes.map((_, i) => {
      const cell = row.cells[i];
      const [shape, words] = (cell && WORDS[cell.probe]) || ["STARTING", "no data"];
      return h("td", { class: `${shape === "UP" ? "" : shape}` }, icon(shape, `tone ${shape}`), `${words}${cell && cell.reason ? `: ${reasonText(cell.reason)}` : ""}`);
    })));
  const calm = rows.length - interesting.length;
  const hidden = interesting.length - shown.length;
  const left = [hidden ? `${plural(hidden, "more backend")} with problems ${hidden === 1 ? "is" : "are"} not shown here.` : "", calm ? `${plural(calm, "more backend")}: all proxies agree that ${calm === 1 ? "it passes" : "they pass"}.` : ""].filter(Boolean);
  return h("div", {}, h("div", { class: "table" }, h("table", { class: "matrix" }, h("thead", {}, head), h("tbody", {}, ...lines))),
    left.length ? h("p", { class: "hint" }, left.join(" ")) : null);
}
