// Sessions by hashed id: asked for, never pushed; moved and ended one by one.

const SESSIONS_ASKED = 200;

function updateSessionForm() {
  const select = byId("session-backend");
  const names = Object.entries(data.status.pools).flatMap(([pool, value]) => Object.keys(value.backends).map((backend) => `${pool}/${backend}`));
  const key = names.join("\n");
  if (select.shown === key) return;
  select.shown = key;
  const chosen = select.value;
  select.replaceChildren(h("option", { value: "" }, "of all"), ...names.map((name) => h("option", { value: name }, name)));
  if (names.includes(chosen)) select.value = chosen;
}

async function showSessions() {
  const backend = byId("session-backend").value;
  const id = byId("session-id").value.trim();
  const body = byId("sessions-body");
  try {
    const whole = id.length === 22 ? `&id=${encodeURIComponent(id)}` : "";
    const query = backend ? `&backend=${backend.split("/").map(encodeURIComponent).join("/")}` : "";
    const answer = await getJson(`/api/v1/sessions?limit=${whole ? 1 : SESSIONS_ASKED * (id ? 10 : 1)}${query}${whole}`);
    const found = answer.sessions.filter((session) => session.id.startsWith(id));
    body.replaceChildren(found.length ? sessionTable(found.slice(0, SESSIONS_ASKED), found.length) : h("p", { class: "hint" }, id ? "No session of such an id." : "No session is bound there."));
  } catch (error) {
    body.replaceChildren(h("p", { class: "problem" }, `The sessions could not be listed (${error.message}). Is Redis away?`));
  }
}

// A proxy knows the reasons of the moves that it has made itself.
function movesText(session) {
  const last = session.last_move;
  if (!last) return count(session.moves);
  return `${count(session.moves)}; last${last.from ? ` from ${last.from}` : ""}: ${last.reason}, ${ageOf(last.at)} ago`;
}

function sessionTable(sessions, all) {
  const rows = sessions.map((session) => h("tr", { "data-session": session.id },
    h("td", {}, h("span", { class: "id", title: session.id }, `${session.id.slice(0, 12)}…`)), h("td", { class: "wrap" }, `${session.pool}/${session.backend || "(not configured)"}`),
    h("td", { class: "n" }, ageOf(session.since)), h("td", { class: "n" }, ageOf(session.last_seen)), h("td", { class: "wrap opt" }, movesText(session)),
    h("td", { class: "n" }, h("span", { class: "buttons" },
      h("button", { type: "button", class: "quiet small", "aria-label": `Move session ${session.id.slice(0, 12)}`, onclick: () => askMoveSession(session) }, "Move"),
      h("button", { type: "button", class: "quiet small", "aria-label": `End session ${session.id.slice(0, 12)}`, onclick: () => askEndSession(session) }, "End")))));
  return h("div", {}, h("div", { class: "table" }, h("table", { class: "session-table" }, h("thead", {}, h("tr", {}, ...[["Id"], ["Backend"], ["Bound for", "n"], ["Last seen, ago", "n"], ["Moves", "opt"]].map(([t, c]) => h("th", { scope: "col", class: c || null }, t)), h("th", { scope: "col" }, h("span", { class: "unseen" }, "Actions")))), h("tbody", {}, ...rows))),
    h("p", { class: "hint" }, `${plural(sessions.length, "session")} shown${all > sessions.length ? ` of ${count(all)} found` : ""}, each backend's most recently used first, as of ${clock(proxyNow())}.`));
}
