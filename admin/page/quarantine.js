// Requests that have killed a backend. Asked for only while there are any, and when their number changes.

const quarantine = { shown: 0 };

function updateQuarantine() {
  const now = data.status.quarantined || 0;
  setHidden(byId("quarantine"), now === 0);
  if (now === quarantine.shown) return;
  quarantine.shown = now;
  if (now > 0) showQuarantine();
}

async function showQuarantine() {
  const body = byId("quarantine-body");
  try {
    const { requests } = await getJson("/api/v1/quarantine");
    body.replaceChildren(quarantineTable(requests));
  } catch (error) {
    quarantine.shown = 0;  // the next status asks again
    body.replaceChildren(h("p", { class: "problem" }, `They could not be listed (${error.message}).`));
  }
}

function quarantineTable(requests) {
  const until = (request) => clock(proxyNow() + request.seconds_left * 1000);
  const rows = requests.map((request) => h("tr", { "data-quarantine": request.id },
    h("td", { class: "wrap" }, `${request.method} ${request.path}`), h("td", { class: "wrap" }, `${request.pool}/${request.backend}`),
    h("td", { class: "n" }, count(request.crashes)), h("td", {}, request.caller === "all" ? "everybody" : "one user"), h("td", { class: "n" }, until(request)),
    h("td", { class: "n" }, h("button", { type: "button", class: "quiet small", "aria-label": `Release ${request.method} ${request.path}`, onclick: () => askRelease(request) }, "Release"))));
  const heads = [["Request"], ["Last crashed backend"], ["Crashes", "n"], ["Refused for"], ["Until", "n"]];
  return h("div", { class: "table" }, h("table", {}, h("thead", {}, h("tr", {}, ...heads.map(([t, c]) => h("th", { scope: "col", class: c || null }, t)), h("th", { scope: "col" }, h("span", { class: "unseen" }, "Actions")))), h("tbody", {}, ...rows)));
}

const askRelease = guarded((request) => {
  ask({
    title: "Release this request?",
    body: [h("p", {}, `${request.method} ${request.path} was in flight when ${request.backend} crashed${request.crashes > 1 ? `, and in ${plural(request.crashes - 1, "crash", "crashes")} before` : ""}. If it caused the crash, the next user who sends it crashes another backend of pool ${request.pool}, and all users there are moved.`),
      h("p", {}, request.caller === "all" ? "It is refused for all users. After the release, any of them may send it again." : "It is refused for the user who sent it. After the release, they may send it again. All others may already.")],
    yes: "Release",
    danger: true,
    act: async () => { await post(`/api/v1/quarantine/${request.id}/release`); await showQuarantine(); return "It is released."; },
  });
});
