// The page in a browser, and what tests ask of it.
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

const SHOTS = process.env.HOLDFAST_SHOTS || join(process.env.HOLDFAST_BUILD || "build/release", "page-shots");
mkdirSync(SHOTS, { recursive: true });
/** Where a picture goes. */
export const shot = (name) => join(SHOTS, `${name}.png`);
/** What was measured: `./dev test` shows it at its end. */
export function note(line) {
  console.log(line);
  if (process.env.HOLDFAST_TEST_NOTES) appendFileSync(process.env.HOLDFAST_TEST_NOTES, `${line}\n`);
}

/** A page at `proxy`; every request it makes is remembered. */
export async function openPage(stage, proxy, { scheme = "light", width = 1360, height = 900, scale = 1, block = false, headers, first = "[data-backend]", before } = {}) {
  const context = await stage.context({ viewport: { width, height }, deviceScaleFactor: scale, colorScheme: scheme, extraHTTPHeaders: headers });
  const page = await context.newPage();
  page.seen = { requests: [], errors: [] };
  page.on("request", (request) => page.seen.requests.push(request.url()));
  page.on("pageerror", (error) => page.seen.errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && page.seen.errors.push(message.text()));
  page.on("dialog", (dialog) => { page.seen.errors.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  if (block) await page.route("**/api/v1/events?status=1", (route) => route.abort());
  if (before) await before(page);
  await page.goto(proxy.url);
  await page.waitForSelector(first);
  return page;
}

export const row = (page, backend) => page.locator(`[data-backend="shop/${backend}"]`);
export const stateOf = (page, backend) => row(page, backend).locator(".badge").textContent();
export const textOf = (page, selector) => page.locator(selector).textContent();

/** Lets axe look at what is there; only what is serious or worse counts. */
export async function looksAccessible(page, what) {
  // The page's policy lets nobody add scripts, us neither: axe comes in through the debugger.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: readFileSync(axePath, "utf8") });
  const { result } = await session.send("Runtime.evaluate", { expression: "axe.run(document, { resultTypes: ['violations'] }).then((r) => JSON.stringify(r.violations))", awaitPromise: true });
  const bad = JSON.parse(result.value).filter((violation) => ["serious", "critical"].includes(violation.impact));
  assert.deepEqual(bad.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.html.slice(0, 120)} ${n.failureSummary}`).join("; ")}`), [], what);
}
