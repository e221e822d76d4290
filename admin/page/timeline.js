// The timeline: the event log as sentences.

const whoOf = (e) => (e.fields.by === "loopback" || e.fields.by === "nothing" ? `Somebody on ${e.fields.from}` : e.fields.by);

/** Who did what: {by, from, path, status} as words. */
function actionSentence(e) {
  const who = whoOf(e);
  const steps = String(e.fields.path).split("/").slice(3).map((step) => { try { return decodeURIComponent(step); } catch { return step; } });
  const [kind, name, , backend, order, verb] = steps;
  const done = e.fields.status === 200 ? "" : ` (refused with ${e.fields.status})`;
  if (kind === "sessions") return text(bold(who), ` ${steps[2] === "move" ? "moved" : "ended"} session ${name.slice(0, 12)}…${done}`);
  if (kind === "pools" && backend === "end") return text(bold(who), " ended all sessions of ", bold(name), done);
  if (kind === "pools" && order === "sessions") return text(bold(who), ` ${verb === "move" ? "moved" : "ended"} all sessions of `, bold(`${name}/${backend}`), done);
  if (kind === "pools") return text(bold(who), ` ordered ${order} of `, bold(`${name}/${backend}`), done);
  return text(bold(who), ` did ${e.fields.path}${done}`);
}

const text = (...parts) => parts;
const at = (e) => bold(`${e.pool}/${e.backend}`);
const by = (e) => (e.fields.by ? ` by ${e.fields.by}` : "");
const tookOf = (e) => (e.fields.since_ms > 0 ? `, noticed after ${lengthText(e.fields.since_ms)}` : "");
const SENTENCES = {
  backend_up: (e) => text(at(e), " is UP", e.fields.since_ms > 0 ? ` after ${lengthText(e.fields.since_ms)}` : ""),
  backend_down: (e) => text(at(e), ` is DOWN: ${reasonText(e.reason)}`, e.fields.detail ? ` (${e.fields.detail})` : "", tookOf(e)),
  backend_ejected: (e) => text(at(e), ` is out for ${lengthText(e.fields.for_ms)}: ${reasonText(e.reason)}`, e.fields.detail ? ` (${e.fields.detail})` : ""),
  backend_suspect: (e) => text(at(e), ` is suspect: ${reasonText(e.reason)}`, e.fields.detail ? ` (${e.fields.detail})` : "", ", and probed at once"),
  request_quarantined: (e) => text(bold(`${e.fields.method} ${e.fields.path}`), ` is in quarantine for ${e.fields.caller === "all" ? "all clients" : "one client"}: it was in flight when `, at(e), " crashed"),
  quarantine_released: (e) => text(bold(e.fields.path), ` is released from quarantine${by(e)}`),
  pool_full: (e) => text("Pool ", bold(e.pool), " is full: new users are refused, users with a session stay"),
  pool_has_room: (e) => text("Pool ", bold(e.pool), ` has free slots again; ${plural(e.fields.refused, "request")} refused`),
  backend_draining: (e) => text(at(e), ` takes no new users: drain${by(e)}`),
  backend_maint: (e) => text(at(e), ` is in maintenance${by(e)}`),
  backend_ready: (e) => text(at(e), ` may take users again${by(e)}`),
  failover: (e) => text("Failover of ", at(e), `: ${plural(e.fields.users_moved, "user")} moved; `, e.fields.failover_ms >= 0 ? `the last affected request got its response ${lengthText(e.fields.failover_ms)} after the first failure; ` : "no request was affected; ", e.fields.requests_failed ? `${plural(e.fields.requests_failed, "request")} failed` : "none failed"),
  redis_up: () => text("Redis is available"),
  redis_subscribed: () => text("Receiving updates from the other proxies"),
  redis_unsubscribed: (e) => text(`No updates from the other proxies: ${e.reason}`),
  descriptors_short: (e) => text(`Too few file descriptors: ${count(e.fields.connections)} connections at most; ${e.fields.advice}`),
  signal: (e) => text(`Signal ${e.fields.number}`),
  stopped: () => text("Stopped"),
  redis_down: (e) => text(`Redis is unavailable: ${e.reason}`, e.fields.detail ? ` (${e.fields.detail})` : ""),
  redis_degraded: (e) => text(`Redis is degraded: ${e.reason}`),
  cluster_joined: (e) => text("This proxy has joined as ", bold(e.fields.node)),
  cluster_leader: (e) => text(bold(String(e.fields.node).split("#")[0]), " leads"),
  cluster_node_joined: (e) => text("Proxy ", bold(String(e.fields.node).split("#")[0]), " has joined"),
  cluster_node_left: (e) => text("Proxy ", bold(String(e.fields.node).split("#")[0]), " is gone: its lease has ended"),
  cluster_node_goodbye: (e) => text("Proxy ", bold(String(e.fields.node).split("#")[0]), " has stopped in order"),
  cluster_alone: (e) => text(`This proxy works alone: ${e.reason}`),
  cluster_cut_off: (e) => text(`This proxy is cut off: ${e.reason}`),
  cluster_in_touch: () => text("This proxy reaches the backends again"),
  operator_action: actionSentence,
  operator_refused: (e) => text(bold(whoOf(e)), ` was refused ${e.fields.path.replace(/^\/api\/v1\//, "")}: ${e.reason}`, e.fields.left_out > 0 ? ` (${plural(e.fields.left_out, "more")} before it)` : ""),
  login: (e) => text(bold(e.fields.user), ` logged in from ${e.fields.from}`),
  login_failed: (e) => text(`A login from ${e.fields.from} was refused`),
  ready: (e) => text(`Serving, with ${plural(e.fields.workers, "worker")}`),
  stopping: () => text("Stopping: finishing requests under way"),
  listening: (e) => text(`Listening on ${e.fields.address}`),
  admin_listening: (e) => text(`Admin listener on ${e.fields.address}`),
};
const plain = (e) => text(e.event.replaceAll("_", " "), ...Object.entries({ reason: e.reason, ...e.fields }).filter(([, v]) => v !== "").map(([k, v]) => ` ${k}=${v}`));

const KINDS = [
  ["all", "Everything", () => true],
  ["trouble", "Problems", (e) => e.level !== "info" || e.event === "failover"],
  ["backends", "Backends", (e) => e.event.startsWith("backend_") || e.event === "failover"],
  ["operators", "Operators", (e) => /^(backend_(draining|maint|ready)|operator|login|reload)/.test(e.event)],
  ["cluster", "Proxies and Redis", (e) => /^(cluster|redis)_/.test(e.event)],
];
const timelineView = { kind: "all", shown: 30 };

function makeTimeline() {
  byId("timeline-filter").append(...KINDS.map(([key, label]) => h("button", { type: "button", "aria-pressed": String(key === "all"), onclick: (event) => {
    timelineView.kind = key;
    for (const chip of byId("timeline-filter").children) setAttribute(chip, "aria-pressed", String(chip === event.currentTarget));
    updateTimeline();
  } }, label)));
  byId("timeline-more").addEventListener("click", () => { timelineView.shown += 60; updateTimeline(); });
}

function toneOf(e) {
  if (e.event === "backend_up" || e.event === "redis_up" || e.event === "backend_ready" || e.event === "cluster_in_touch") return ["good", "good"];
  if (e.event === "backend_draining") return ["DRAINING", "tone DRAINING"];
  if (e.event === "backend_maint") return ["MAINT", "tone MAINT"];
  if (e.level === "error") return ["bad", "bad"];
  return e.level === "warn" ? ["warn", "warn"] : ["dot", "soft"];
}

function updateTimeline() {
  const kind = KINDS.find(([key]) => key === timelineView.kind)[2];
  const events = data.events.filter(kind).reverse();
  setText(byId("timeline-note"), events.length ? `${plural(events.length, "event")} of the last ${EVENTS_KEPT}` : "no such event yet");
  keyed(byId("timeline-body"), events.slice(0, timelineView.shown), (e) => e.id, (e) => {
    const [shape, tone] = toneOf(e);
    return h("li", { "data-event": e.event }, h("time", { datetime: e.time, title: dayAndClock(e.time) }, clock(e.time)), icon(shape, tone),
      h("span", { class: "text" }, ...(SENTENCES[e.event] || plain)(e)), h("span", { class: "word" }, e.event));
  }, () => {});
  setHidden(byId("timeline-more"), events.length <= timelineView.shown);
}
