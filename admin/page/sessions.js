// Sessions by hashed id: asked for, never pushed; moved and ended one by one.

const SESSIONS_SHOWN = 200;
const SESSIONS_SEARCHED = 2000; // for the beginning of an id: the store has no order by it
const WHOLE_ID = 22;

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
    const isWhole = id.length === WHOLE_ID;
    const query = backend ? `&backend=${backend.split("/").map(encodeURIComponent).join("/")}` : "";
    const most = id ? SESSIONS_SEARCHED : SESSIONS_SHOWN;
    // One more than is wanted tells whether there are more.
    const { sessions } = await getJson(`/api/v1/sessions?limit=${most + 1}${query}${isWhole ? `&id=${encodeURIComponent(id)}` : ""}`);
    const found = sessions.slice(0, most).filter((session) => session.id.startsWith(id));
    const shown = found.slice(0, SESSIONS_SHOWN);
    const words = [foundWords(shown.length, found.length, id), sessions.length > most ? searchedWords(most, backend, id) : ""];
    body.replaceChildren(...(shown.length ? [sessionTable(shown)] : []), h("p", { class: "hint" }, words.filter(Boolean).join(" ")));
  } catch (error) {
    body.replaceChildren(h("p", { class: "problem" }, `The sessions could not be listed (${error.message}). Is Redis unavailable?`));
  }
}

function foundWords(shown, found, id) {
  if (shown) return `${plural(shown, "session")} shown${found > shown ? ` of ${count(found)} found` : ""}, each backend's most recently used first, as of ${clock(proxyNow())}.`;
  if (!id) return "No session is bound there.";
  return id.length === WHOLE_ID ? "No session of this id." : "No session id begins like this.";
}

/** What a list that was cut says of the rest. */
function searchedWords(most, backend, id) {
  const [pool, name] = backend.split("/");
  const all = backend ? backendOf(pool, name).sessions : data.status.sessions;
  const of = all > most ? `, of about ${count(all)} that are bound there` : "";
  const others = `A whole id, of ${WHOLE_ID} characters, is looked up among all sessions${backend ? "" : "; choose a backend to see others"}.`;
  return `${id ? `Only the first ${count(most)} were searched` : `There are more than these ${count(most)}`}${of}. ${others}`;
}

// A proxy knows the reasons of the moves that it has made itself.
function movesText(session) {
  const last = session.last_move;
  if (!last) return count(session.moves);
  return `${count(session.moves)}; last${last.from ? ` from ${last.from}` : ""}: ${last.reason}, ${ageOf(last.at)} ago`;
}

function sessionTable(sessions) {
  const rows = sessions.map((session) => h("tr", { "data-session": session.id },
    h("td", {}, h("span", { class: "id", title: session.id }, `${session.id.slice(0, 12)}…`)), h("td", { class: "wrap" }, `${session.pool}/${session.backend || "(not configured)"}`),
    h("td", { class: "n" }, ageOf(session.since)), h("td", { class: "n" }, ageOf(session.last_seen)), h("td", { class: "wrap opt" }, movesText(session)),
    h("td", { class: "n" }, h("span", { class: "buttons" },
      h("button", { type: "button", class: "quiet small", "aria-label": `Move session ${session.id.slice(0, 12)}`, onclick: () => askMoveSession(session) }, "Move"),
      h("button", { type: "button", class: "quiet small", "aria-label": `End session ${session.id.slice(0, 12)}`, onclick: () => askEndSession(session) }, "End")))));
  const heads = [["Id"], ["Backend"], ["Bound for", "n"], ["Last seen, ago", "n"], ["Moves", "opt"]];
  return h("div", { class: "table" }, h("table", { class: "session-table" }, h("thead", {}, h("tr", {}, ...heads.map(([t, c]) => h("th", { scope: "col", class: c || null }, t)), h("th", { scope: "col" }, h("span", { class: "unseen" }, "Actions")))), h("tbody", {}, ...rows)));
}
