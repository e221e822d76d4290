// Ties the parts together.

function updateAll() {
  const status = data.status;
  if (!status) return;
  setText(byId("node"), status.node);
  updateVerdict();
  updateFacts();
  updateTiles();
  updateBackends();
  updateFailovers();
  updateProxies();
  updateSessionForm();
  updateQuarantine();
  const reload = status.reload;
  setText(byId("reload-note"), reload.time ? `last reload: ${dayAndClock(reload.time)}${reload.succeeded ? "" : `, refused: ${reload.reason}`}` : "last reload: never; as read at the start");
  const read = JSON.stringify(reload);
  if (read !== configurationRead) {
    configurationRead = read;
    showConfiguration();
  }
  setText(byId("about"), `Holdfast ${status.version} · up ${ageText(status.uptime_seconds * 1000)} · ${plural(status.workers, "worker")} · ${count(status.clients.requests_total)} requests since the start · ${short(status.sessions_max)} sessions at most`);
}

// A burst of messages is one repaint.
let painting = 0;
function paintSoon() {
  if (painting) return;
  painting = setTimeout(() => { painting = 0; updateAll(); }, 30);
}

const THEMES = { auto: "Auto", light: "Light", dark: "Dark" };
function setTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  setText(byId("theme"), THEMES[theme]);
  setAttribute(byId("theme"), "aria-label", `${THEMES[theme]}: colours`);
  byId("theme").dataset.value = theme;
  try { localStorage.setItem("holdfast-theme", theme); } catch { /* it is only a wish */ }
}
function nextTheme() {
  const names = Object.keys(THEMES);
  setTheme(names[(names.indexOf(byId("theme").dataset.value || "auto") + 1) % names.length]);
}

let configurationRead = "";
async function showConfiguration() {
  if (!byId("configuration-details").open) return;
  const response = await fetch("/api/v1/config", { cache: "no-store" });
  setText(byId("configuration-text"), response.ok ? await response.text() : `It could not be read (status ${response.status}).`);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("ask").open || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  if (event.key === "/") {
    const field = document.querySelector(".filter:not([hidden])") || byId("session-id");
    field.focus();
    event.preventDefault();
  }
  if (event.key === "t") nextTheme();
}

async function start() {
  let theme = "auto";
  try { theme = localStorage.getItem("holdfast-theme") || "auto"; } catch { /* as the system has it */ }
  setTheme(theme in THEMES ? theme : "auto");
  byId("theme").addEventListener("click", nextTheme);
  byId("who").addEventListener("click", onWho);
  byId("ask-no").addEventListener("click", () => byId("ask").close());
  byId("session-form").addEventListener("submit", (event) => { event.preventDefault(); showSessions(); });
  byId("configuration-details").addEventListener("toggle", showConfiguration);
  document.addEventListener("keydown", onKey);
  makeTimeline();
  listeners.status.push(paintSoon);
  listeners.events.push(updateTimeline, paintSoon);
  listeners.link.push(updateLink, updateVerdict);
  setInterval(() => { updateLink(); updateVerdict(); if (data.status && !isStale()) paintSoon(); }, 1000);
  await loadMe();
  setTimeout(loadCluster, 300);
  if (mayLook()) return begin();
  hangUp();
  askForLogin();
}
start();
