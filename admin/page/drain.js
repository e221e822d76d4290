// The drain panel: who is left, how fast they leave, when it will be over, and what can be done about it.

/** Users a minute who leave, over the last minutes of the drain; null while that is not known. */
function leavingRate(curve, since) {
  if (!curve) return null;
  const steps = Math.min(60, Math.floor((proxyNow() - Date.parse(since)) / STEP_MS));
  const values = curve.sessions.slice(-Math.max(2, steps));
  if (steps < 2 || values.length < 2) return null;
  return ((values[0] - values[values.length - 1]) * 60000) / ((values.length - 1) * STEP_MS);
}

/** What keeps a backend that nobody is bound to from being stopped. */
function stillBusyWords(b) {
  if (b.drain.requests_elsewhere === null) return "No session is bound to it. Its requests through other proxies are not known yet.";
  const requests = b.requests_in_flight + b.drain.requests_elsewhere;
  return requests > 0 ? `No session is bound to it, but ${plural(requests, "request")} under way: wait for the end.` : "This proxy may not know all of its users yet: wait.";
}

function whoIsLeftWords(b, curve) {
  const idle = lengthText(data.status.session_idle_timeout_seconds * 1000);
  const { active, idle: away, long_lived: lasting, idle_gone_in_seconds: gone } = b.drain;
  const parts = [`${count(active)} active, ${count(away)} idle${lasting ? `, ${plural(lasting, "long connection")}` : ""}.`];
  const rate = leavingRate(curve, b.since);
  if (rate && rate > 0) parts.push(`${rateText(rate)} a minute leave: done in about ${ageText((b.sessions / rate) * 60000)} at this pace.`);
  else if (gone !== null) parts.push(`Users who stay away are forgotten ${active === 0 ? "" : "after " + idle + ", the idle ones "}within ${ageText(gone * 1000)}.`);
  else parts.push(`Nobody has left lately. A session is forgotten when it is idle for ${idle}; active ones stay.`);
  return parts;
}

function drainWords(b, curve) {
  const parts = b.sessions > 0 ? whoIsLeftWords(b, curve) : [b.drain.over ? "Nobody is left. It can be stopped now." : stillBusyWords(b)];
  if (b.deadline) parts.push(`Deadline ${clock(b.deadline)}, in ${ageText(Date.parse(b.deadline) - proxyNow())}: then the remaining users are moved.`);
  parts.push(`Draining for ${ageOf(b.since)}${b.ordered_by ? `, by ${b.ordered_by}` : ""}.`);
  return parts.join(" ");
}

function updateDrain(place, key, pool, name, b) {
  if (b.state !== "DRAINING" || !b.drain) return place.replaceChildren();  // the state may come a moment before the numbers
  if (!place.firstChild) {
    place.append(h("div", { class: "drain", role: "group", "aria-label": `Drain of ${name}` },
      h("p", { class: "count" }, h("span"), h("small", {}, "users left")),
      h("div", {}, spark(), h("p", { class: "words" })),
      h("div", { class: "buttons" },
        h("button", { type: "button", class: "quiet", onclick: () => askReady(pool, name) }, "Take users again"),
        h("button", { type: "button", class: "quiet", onclick: () => askMoveAll(pool, name) }, "Move the remaining users"),
        h("button", { type: "button", onclick: () => askMaint(pool, name) }, "Maintenance"))));
  }
  const curve = curveOf(key);
  setText(place.querySelector(".count span"), count(b.sessions));
  setText(place.querySelector(".count small"), b.sessions === 1 ? "user left" : "users left");
  setText(place.querySelector(".words"), drainWords(b, curve));
  const steps = Math.max(4, Math.ceil((proxyNow() - Date.parse(b.since)) / STEP_MS) + 4);
  drawSpark(place.querySelector(".spark"), curve ? curve.sessions.slice(-steps).concat(b.sessions) : [b.sessions], 4);
}
