// What the page says where there is more than it shows, and what the keyboard can do.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { looksAccessible, openPage, row, stateOf, textOf } from "./browser.mjs";
import { Stage, User, ask, eventually } from "./stage.mjs";

describe("one proxy, two apps, room for three users", { concurrency: false }, () => {
  const stage = new Stage();
  let proxy, page;
  before(async () => {
    for (const name of ["app1", "app2"]) await stage.app(name);
    proxy = await stage.proxy("lb1", { pool: "max_sessions = 3" });
    await stage.allUp(proxy);
    page = await openPage(stage, proxy);
  });
  after(() => stage.end());

  test("a full pool is shown as full, and how many it has refused", async () => {
    for (let i = 0; i < 3; ++i) assert.equal((await new User(proxy.port).get()).status, 200);
    assert.equal((await new User(proxy.port).get()).status, 503);
    await eventually("full", async () => /Pool shop is full/.test(await textOf(page, "#verdict-text")));
    assert.match(await textOf(page, "#verdict-more"), /3 of 3 sessions: new users are refused, users with a session stay/);
    assert.notEqual(await page.getAttribute("#verdict", "data-mood"), "good");
    await eventually("refused", async () => /3 of 3 sessions · 1 refused/.test(await textOf(page, ".pool .counts")));
    await eventually("who has been there lately", async () => {
      const words = await page.locator(".backend .lately").allTextContents();
      return words.reduce((sum, text) => sum + Number(text.replace(" active", "")), 0) === 3;
    });
  });

  test("an order that was refused is told of, with the reason", async () => {
    const headers = { Origin: "http://evil.example", "Content-Type": "application/json" };
    const response = await ask(proxy.admin, "/api/v1/pools/shop/backends/app1/drain", { method: "POST", headers, body: "{}" });
    assert.equal(response.status, 403);
    await eventually("told", async () => /Somebody on 127\.0\.0\.1 was refused pools\/shop\/backends\/app1\/drain: orders are not taken from pages of other origins/.test(await textOf(page, "#timeline")));
  });

  test("a rate is of the window that it names: ten seconds after the last request it is none", async () => {
    const user = new User(proxy.port);
    const crowd = setInterval(() => user.get().catch(() => {}), 100);
    const rate = () => textOf(page, ".tile .big span >> nth=0");
    await eventually("requests", async () => Number(await rate()) > 0);
    clearInterval(crowd);
    user.leave();
    assert.match(await textOf(page, ".tile .note >> nth=0"), /last 10 s/);
    await eventually("none", async () => (await rate()) === "0");
  });

  test("an action by the keyboard alone: Tab to it, Enter, Tab, Enter", async () => {
    const tabTo = async (label) => {
      for (let i = 0; i < 60; ++i) {
        await page.keyboard.press("Tab");
        if (await page.evaluate((wanted) => (document.activeElement.getAttribute("aria-label") || document.activeElement.textContent) === wanted, label)) return;
      }
      assert.fail(`no way to "${label}" by Tab`);
    };
    await page.evaluate(() => document.activeElement.blur());
    await tabTo("Drain app1");
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog[open]");
    await looksAccessible(page, "an open dialog");
    await page.emulateMedia({ colorScheme: "dark" });
    await looksAccessible(page, "an open dialog in the dark");
    await page.emulateMedia({ colorScheme: "light" });
    await tabTo("Drain");
    await page.keyboard.press("Enter");
    await eventually("DRAINING", async () => (await stateOf(page, "app1")) === "DRAINING");
    await page.waitForSelector("dialog:not([open])", { state: "attached" });
    await tabTo("Ready app1");
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog[open]");
    await tabTo("Ready");
    await page.keyboard.press("Enter");
    await eventually("UP", async () => (await stateOf(page, "app1")) === "UP");
  });

  test("who sees what: sick is said, and what is not shown is counted", async () => {
    const words = await page.evaluate(() => {
      const sees = {};
      for (let i = 0; i < 50; ++i) sees[`shop/app${i}`] = { probe: i < 45 ? "failing" : "passing", reason: "" };
      sees["shop/app44"].probe = "sick";
      const other = { ...sees, "shop/app44": { probe: "passing", reason: "" } };
      return matrixOf([{ name: "lb1", sees }, { name: "lb2", sees: other }]).textContent;
    });
    assert.match(words, /Seen bylb1lb2shop\/app44 they disagreesickpassing/, "who disagrees comes first");
    assert.match(words, /5 more backends with problems are not shown here\. 5 more backends: all proxies agree that they pass\./);
    assert.doesNotMatch(words, /no data/);
    assert.equal(await page.evaluate(() => moreWords(60, 75, 200)), "Shown: the first 60 of 75 that need attention, of 200 in all.");
  });

  test("a list of sessions says what it leaves out, a search what it looked through", async () => {
    await page.route("**/api/v1/sessions?*", (route) => {
      const limit = Number(new URL(route.request().url()).searchParams.get("limit"));
      const at = new Date().toISOString();
      const sessions = Array.from({ length: limit }, (_, i) => ({ id: `a${String(i).padStart(21, "0")}`, pool: "shop", backend: "app1", since: at, last_seen: at, moves: 0 }));
      return route.fulfill({ json: { sessions, limit } });
    });
    const said = async (id) => {
      await page.fill("#session-id", id);
      await page.click("#session-form button");
      return page.locator("#sessions-body .hint").last();
    };
    await eventually("cut", async () => /200 sessions shown.*There are more than these 200\./.test(await (await said("")).textContent()));
    assert.equal(await page.locator("[data-session]").count(), 200);
    await eventually("searched", async () => /No session id begins like this\. Only the first 2,000 were searched\. A whole id, of 22 characters, is looked up among all/.test(await (await said("b")).textContent()));
    await page.unroute("**/api/v1/sessions?*");
    await eventually("all were searched", async () => /begins like this\.$/.test(await (await said("?")).textContent()));
    await eventually("not there", async () => (await (await said("?".repeat(22))).textContent()) === "No session of this id.");
  });
});
