// What operators do. Every action says first what it will do, and to how many users.

const me = { name: "", role: "operator", by: "loopback", csrf: "", login: false };
const mayAct = () => me.role === "operator";
const mayLook = () => me.role !== "none";

async function loadMe() {
  try {
    const response = await fetch("/api/v1/me", { cache: "no-store" });
    if (response.ok) Object.assign(me, await response.json());
  } catch { /* the proxy is away; the link says so */ }
  updateWho();
}

function updateWho() {
  const who = byId("who");
  setHidden(who, !me.login && !me.name);
  setText(who, me.name ? `${me.name} (${me.role}) · log out` : "Log in");
  document.body.classList.toggle("reader", !mayAct());
}

async function post(path, body) {
  const headers = { "Content-Type": "application/json", "X-Holdfast-Request": "1" };
  if (me.csrf) headers["X-Holdfast-CSRF"] = me.csrf;
  const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body || {}) });
  const words = await response.text();
  if (response.status === 401) {
    await loadMe();
    if (!mayLook()) hangUp();
  }
  if (!response.ok) throw new Error(words.trim() || `status ${response.status}`);
  try { return JSON.parse(words); } catch { return {}; }
}

function toast(words) {
  const box = h("p", { class: "toast" }, words);
  byId("toasts").append(box);
  setTimeout(() => box.remove(), 6000);
}

/** Asks, then does. `act` gets the form; an error it throws is shown, and the dialog stays. */
function ask({ title, body, yes, danger, act }) {
  const dialog = byId("ask");
  setText(byId("ask-title"), title);
  byId("ask-body").replaceChildren(...body);
  setHidden(byId("ask-problem"), true);
  const button = byId("ask-yes");
  setText(button, yes);
  button.classList.toggle("danger", Boolean(danger));
  button.disabled = false;
  byId("ask-form").onsubmit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const words = await act(byId("ask-form"));
      dialog.close();
      if (words) toast(words);
    } catch (error) {
      setText(byId("ask-problem"), error.message);
      setHidden(byId("ask-problem"), false);
      button.disabled = false;
    }
  };
  if (!dialog.open) dialog.showModal();
}

function askForLogin() {
  if (byId("ask").open) return;
  ask({
    title: "Log in",
    body: [h("label", {}, "Name", h("input", { name: "name", autocomplete: "username", required: true })), h("label", {}, "Password", h("input", { name: "password", type: "password", autocomplete: "current-password", required: true }))],
    yes: "Log in",
    act: async (form) => {
      Object.assign(me, await post("/api/v1/login", { name: form.elements.name.value, password: form.elements.password.value }));
      updateWho();
      begin();
      return `Logged in as ${me.name}.`;
    },
  });
}

async function onWho() {
  if (!me.name) return askForLogin();
  hangUp();
  try { await post("/api/v1/logout"); } catch (error) { toast(error.message); }
  Object.assign(me, { name: "", role: "none", csrf: "" });
  await loadMe();
  if (mayLook()) begin();
  else location.reload(); // what was shown is not left to who comes next
}

function guarded(ask) {
  return (...args) => (mayAct() ? ask(...args) : me.name ? toast(`${me.name} may look, but not act: log in as an operator.`) : askForLogin());
}

const backendOf = (pool, name) => data.status.pools[pool].backends[name];
const othersUp = (pool, name) => Object.entries(data.status.pools[pool].backends).filter(([other, b]) => other !== name && b.state === "UP").map(([other]) => other);
const orderPath = (pool, name, order) => `/api/v1/pools/${encodeURIComponent(pool)}/backends/${encodeURIComponent(name)}/${order}`;

function listed(names) {
  if (names.length <= 4) return names.join(", ");
  return `${names.slice(0, 3).join(", ")} and ${names.length - 3} others`;
}
const nobodyLeft = (pool, name) => (othersUp(pool, name).length ? null : h("p", { class: "problem" }, "No other backend of this pool is UP: users will get error pages."));

const askDrain = guarded((pool, name) => {
  const b = backendOf(pool, name);
  const deadline = h("select", { name: "deadline" }, ...[["", "none: wait until all users have left"], ["5m", "in 5 minutes"], ["10m", "in 10 minutes"], ["30m", "in 30 minutes"], ["2h", "in 2 hours"]].map(([value, label]) => h("option", { value }, label)));
  ask({
    title: `Drain ${name}?`,
    body: [h("p", {}, `No new user will be placed on ${name}. Its ${plural(b.sessions, "user stays", "users stay")} until they leave; nobody is interrupted.`),
      h("p", {}, `New users go to ${listed(othersUp(pool, name)) || "nobody"}.`), nobodyLeft(pool, name), h("label", {}, "Deadline: then the remaining users are moved", deadline)].filter(Boolean),
    yes: "Drain",
    act: async () => {
      const said = await post(orderPath(pool, name, "drain"), deadline.value ? { deadline: deadline.value } : {});
      return `${name} drains: ${plural(said.sessions, "user")} left.`;
    },
  });
});

const askMaint = guarded((pool, name) => {
  const b = backendOf(pool, name);
  ask({
    title: `Take ${name} out for maintenance?`,
    body: [h("p", {}, `${plural(b.sessions, "user")} of ${name} will be moved to ${listed(othersUp(pool, name)) || "nobody"}, each with their next request. What the app keeps in ${name}'s memory is lost for them.`),
      h("p", {}, `${plural(b.requests_in_flight, "request")} in flight may finish; WebSockets to it are closed at once.`), nobodyLeft(pool, name)].filter(Boolean),
    yes: b.sessions ? `Move ${plural(b.sessions, "user")}` : "Maintenance",
    danger: true,
    act: async () => { await post(orderPath(pool, name, "maint")); return `${name} is in maintenance.`; },
  });
});

const askReady = guarded((pool, name) => {
  ask({
    title: `Let ${name} take users again?`,
    body: [h("p", {}, `New users will be placed on ${name} as soon as its probes pass. Nobody is moved; users who have left it do not come back.`)],
    yes: "Ready",
    act: async () => { await post(orderPath(pool, name, "ready")); return `${name} may take users again.`; },
  });
});

const askMoveAll = guarded((pool, name) => {
  const b = backendOf(pool, name);
  ask({
    title: `Move ${plural(b.sessions, "user")} off ${name} now?`,
    body: [h("p", {}, `They are spread over ${listed(othersUp(pool, name)) || "nobody"}, on all proxies, each with their next request. What the app keeps in ${name}'s memory is lost for them.`), nobodyLeft(pool, name)].filter(Boolean),
    yes: `Move ${plural(b.sessions, "user")}`,
    danger: true,
    act: async () => { const said = await post(orderPath(pool, name, "sessions/move")); return `${plural(said.moved, "session")} moved.`; },
  });
});

const askMoveSession = guarded((session) => {
  const targets = othersUp(session.pool, session.backend);
  const to = h("select", { name: "to" }, ...targets.map((name) => h("option", { value: `${session.pool}/${name}` }, name)));
  ask({
    title: "Move this session?",
    body: [h("p", {}, `1 user is moved from ${session.backend} with their next request, on all proxies. What the app keeps in ${session.backend}'s memory is lost for them.`), targets.length ? h("label", {}, "To", to) : h("p", { class: "problem" }, "No other backend of this pool is UP.")],
    yes: "Move 1 user",
    act: async () => { const said = await post(`/api/v1/sessions/${session.id}/move`, { to: to.value }); await showSessions(); return `Moved to ${said.backend}.`; },
  });
});

const askEndSession = guarded((session) => {
  ask({
    title: "End this session?",
    body: [h("p", {}, "1 user gets a new session with their next request, on any proxy, perhaps on another backend. Their old cookie does not bring it back; whether they must log in again is up to the app.")],
    yes: "End 1 session",
    danger: true,
    act: async () => { await post(`/api/v1/sessions/${session.id}/end`); await showSessions(); return "The session was ended."; },
  });
});

/** The one action that fits the state. */
function actionButton(pool, name) {
  return h("button", { type: "button", class: "quiet small", onclick: (event) => (event.currentTarget.dataset.order === "ready" ? askReady : askDrain)(pool, name) }, "Drain");
}
function updateActionButton(button, pool, name, b) {
  const ready = b.state === "MAINT" || b.state === "DRAINING" || b.ordered_by !== "";
  button.dataset.order = ready ? "ready" : "drain";
  setText(button, ready ? "Ready" : "Drain");
  setAttribute(button, "aria-label", `${ready ? "Ready" : "Drain"} ${name}`);
}
function orderButtons(pool, name) {
  const button = (label, order, act) => h("button", { type: "button", class: "quiet small", "data-order": order, onclick: () => act(pool, name) }, label);
  return [button("Drain", "drain", askDrain), button("Maintenance", "maint", askMaint), button("Ready", "ready", askReady), button("Move its users", "move", askMoveAll)];
}
function updateOrderButtons(place, b) {
  for (const button of place.children) {
    const order = button.dataset.order;
    button.disabled = (order === "drain" && (b.state === "DRAINING" || b.state === "MAINT")) || (order === "maint" && b.state === "MAINT") || (order === "ready" && b.ordered_by === "") || (order === "move" && b.sessions === 0);
  }
}
