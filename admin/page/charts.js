// Curves and bars as SVG. The numbers they draw stand beside them as text.

/** A curve of `values` (null: nothing measured) into an <svg class="spark">. */
function drawSpark(svg, values, floor) {
  const width = 100;
  const height = 30;
  const known = values.filter((v) => v !== null && v !== undefined);
  const top = Math.max(floor || 1, ...known) * 1.08;
  if (!svg.firstChild) {
    setAttribute(svg, "viewBox", `0 -2 ${width} ${height + 3}`);
    setAttribute(svg, "preserveAspectRatio", "none");
    setAttribute(svg, "aria-hidden", "true");
    svg.append(s("path", { class: "area" }), s("path", { class: "line" }));
  }
  const x = (i) => (values.length < 2 ? width : (i * width) / (values.length - 1)).toFixed(1);
  const y = (v) => (height - (v / top) * height).toFixed(1);
  let line = "";
  let area = "";
  let from = -1;
  const close = (to) => {
    if (from >= 0) area += `L${x(to)} ${height}L${x(from)} ${height}Z`;
    from = -1;
  };
  values.forEach((v, i) => {
    if (v === null || v === undefined) return close(i - 1);
    const step = from < 0 ? "M" : "L";
    if (from < 0) from = i;
    line += `${step}${x(i)} ${y(v)}`;
    area += `${step}${x(i)} ${y(v)}`;
  });
  close(values.length - 1);
  setAttribute(svg.children[0], "d", area);
  setAttribute(svg.children[1], "d", line);
}
const spark = (className) => s("svg", { class: `spark ${className || ""}` });

const PROBES_SHOWN = 20;
const probeWords = (probe) => `${clock(probe[0])}: ${probe[3] ? "failed" : "passed"}, ${probeFound(probe)}, ${lengthText(probe[1])}`;
/** What a probe came to: the status of one that passed, and what was wrong with one that failed. */
const probeFound = ([, , status, reason, text]) => (reason ? withDetail(reason, text || (status ? String(status) : "")) : String(status || "connected"));

/** The last probes, a bar each: passed ones stand full, failed ones are hollow with a cross. Height: how long it took. */
function drawProbes(svg, history) {
  const key = history.length ? `${history.length}:${history[history.length - 1][0]}` : "none";
  if (svg.drawn === key) return;
  svg.drawn = key;
  const step = 7;
  setAttribute(svg, "viewBox", `0 0 ${PROBES_SHOWN * step} 28`);
  setAttribute(svg, "preserveAspectRatio", "none");
  setAttribute(svg, "role", "img");
  const failed = history.filter((probe) => probe[3]).length;
  setAttribute(svg, "aria-label", history.length
    ? `Last ${plural(history.length, "probe")}: ${failed} failed. ${probeWords(history[history.length - 1])}` : "No probe yet");
  const bars = [];
  for (let i = 0; i < PROBES_SHOWN; ++i) {
    const probe = history[history.length - PROBES_SHOWN + i];
    const x = i * step + 0.7;
    if (!probe) {
      bars.push(s("rect", { class: "none", x, y: 25, width: 5, height: 2, rx: 1 }));
      continue;
    }
    const title = s("title", {}, probeWords(probe));
    if (probe[3]) {
      bars.push(s("g", {}, title, s("rect", { class: "no", x: x + 0.2, y: 2, width: 4.6, height: 24, rx: 1.2 }),
        s("path", { class: "cross", d: `M${x + 1.2} 11l2.6 5M${x + 3.8} 11l-2.6 5` })));
    } else {
      const tall = Math.min(26, 7 + 5 * Math.log10(1 + probe[1] * 10));
      bars.push(s("rect", { class: "ok", x, y: 27 - tall, width: 5, height: tall, rx: 1.2 }, title));
    }
  }
  svg.replaceChildren(...bars);
}

/** A failover on its own time line: first failure, noticed, last user served. */
function raceOf(failover) {
  const width = 400;
  const last = failover.failover_ms;
  const end = Math.max(failover.noticed_ms, last || 0, 1) * 1.12;
  const x = (ms) => 6 + (ms / end) * (width - 12);
  const noticed = x(failover.noticed_ms);
  const parts = [
    s("path", { class: "track", d: `M6 20H${width - 6}` }),
    s("path", { class: "noticed", d: `M6 20H${Math.max(7, noticed)}` }),
    s("path", { class: "zero", d: "M1 15h10v10H1z" }),
    s("text", { x: Math.min(noticed, width - 90), y: 40 }, `noticed ${lengthText(failover.noticed_ms)}`),
  ];
  if (last !== null && last !== undefined) {
    parts.push(s("circle", { class: "user", cx: x(last), cy: 20, r: 6 }),
      s("text", { x: Math.min(x(last) + 9, width - 135), y: 11 }, `last user served ${lengthText(last)}`));
  }
  return s("svg", { class: "race", viewBox: `0 0 ${width} 44`, preserveAspectRatio: "xMinYMid meet", "aria-hidden": "true" }, ...parts);
}
