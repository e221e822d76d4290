// Numbers and times as words. Every number has its unit; ages are by the proxy's clock, not the browser's.
"use strict";

const plural = (n, word, words) => `${count(n)} ${n === 1 ? word : words || word + "s"}`;
const grouped = new Intl.NumberFormat("en-GB");
const count = (n) => grouped.format(n || 0);

/** 1.2k, 3.4M: for tight places. */
function short(n) {
  if (n < 10000) return count(Math.round(n));
  if (n < 1e6) return (n / 1e3).toFixed(n < 1e5 ? 1 : 0) + "k";
  return (n / 1e6).toFixed(1) + "M";
}

function rateText(perSecond) {
  if (perSecond === null || perSecond === undefined) return "–";
  if (perSecond === 0) return "0";
  if (perSecond < 0.1) return "<0.1";
  return perSecond < 10 ? perSecond.toFixed(1) : short(perSecond);
}

function msText(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1) return ms.toFixed(2);
  if (ms < 10) return ms.toFixed(1);
  return ms < 10000 ? count(Math.round(ms)) : short(ms);
}

/** A length with its unit: "3.4 ms", "12 s". */
function lengthText(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1000) return `${msText(ms)} ms`;
  if (ms < 120000) return `${(ms / 1000).toFixed(ms < 10000 ? 1 : 0)} s`;
  return ageText(ms);
}

function ageText(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min`;
  if (s < 172800) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} d`;
}

const clock = (iso) => new Date(iso).toLocaleTimeString("en-GB");
const dayAndClock = (iso) => new Date(iso).toLocaleString("en-GB");

const REASONS = {
  not_probed_yet: "not probed yet",
  probe_refused: "the connection was refused",
  probe_reset: "the connection was reset",
  probe_timeout: "no complete response in time",
  probe_closed: "the connection ended before a response",
  probe_unreachable: "no route to it",
  probe_malformed: "its response is not HTTP",
  probe_bad_status: "unexpected status",
  probe_bad_body: "the expected text is missing",
  probe_bad_json: "the expected value is missing",
  probe_error: "a problem of the proxy itself",
  request_failed: "a user's request failed",
  silence: "users' requests get no response",
  ejected: "users' requests failed too often",
  operator: "ordered by an operator",
  cluster: "most proxies cannot reach it",
};
const reasonText = (reason) => REASONS[reason] || (reason || "").replaceAll("_", " ");
/** The reason, and what was found where that says more. */
function withDetail(reason, detail) {
  const words = reasonText(reason);
  return detail && !words.toLowerCase().endsWith(detail.toLowerCase().replace("connection ", "")) ? `${words}: ${detail}` : words;
}

const STATES = {
  UP: "takes new users",
  SICK: "keeps its users, takes no new ones",
  DRAINING: "keeps its users until they leave, takes no new ones",
  MAINT: "serves nobody",
  DOWN: "serves nobody",
  STARTING: "waits for its first good probe",
};
