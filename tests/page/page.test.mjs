// The status page in a real browser, before real proxies, apps and Redis.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { looksAccessible, note, openPage, row, shot, stateOf, textOf } from "./browser.mjs";
import { Stage, User, ask, eventually } from "./stage.mjs";

describe("two proxies, three apps, one Redis", { concurrency: false }, () => {
  const stage = new Stage();
  let lb1, lb2, crowd;
  before(async () => {
    await stage.redis();
    for (const name of ["app1", "app2", "app3"]) await stage.app(name, { delay: 2 });
    lb1 = await stage.proxy("lb1");
    lb2 = await stage.proxy("lb2");
    await Promise.all([stage.allUp(lb1), stage.allUp(lb2)]);
    crowd = stage.users(lb1, 40, 500);
    stage.users(lb2, 20, 500);
  });
  after(() => stage.end());

  test("sees three backends, live, in words; says nothing is wrong only while nothing is", async () => {
    const page = await openPage(stage, lb1);
    for (const name of ["app1", "app2", "app3"]) assert.equal(await stateOf(page, name), "UP");
    await eventually("live", async () => (await textOf(page, "#link-text")) === "Live");
    assert.match(await textOf(page, "#verdict-text"), /All 3 backends of pool shop serving/);
    assert.equal(await page.getAttribute("#verdict", "data-mood"), "good");
    await eventually("the other proxy", async () => (await page.locator("[data-node]").count()) === 2);
    await eventually("requests counted", async () => /[1-9]/.test(await row(page, "app1").locator(".rate span").textContent()));
    assert.match(await textOf(page, "#reload-note"), /never/);
    await page.locator("#configuration-details summary").click();
    await eventually("the configuration", async () => (await textOf(page, "#configuration-text")).includes("[[pools.shop.backends]]"));
    assert.deepEqual(page.seen.errors, []);
    await page.context().close();
  });

  test("is usable by keyboard alone", async () => {
    const page = await openPage(stage, lb1);
    await page.locator(".expand").first().focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector('[data-details="shop/app1"] .detail-grid:not([hidden])');
    await row(page, "app1").locator(".act button").focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog[open]");
    assert.match(await textOf(page, "#ask-body"), /No new user will be placed on app1\. Its \d+ users? stays? until they leave/);
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog:not([open])", { state: "attached" });
    assert.equal(await stateOf(page, "app1"), "UP");
    await page.keyboard.press("t");
    assert.equal(await textOf(page, "#theme"), "Light");
    await page.context().close();
  });

  test("moves a session and ends it; the other proxy obeys", async () => {
    const page = await openPage(stage, lb1);
    const user = new User(lb1.port);
    const before = JSON.parse((await user.get()).text).node;
    await page.selectOption("#session-backend", `shop/${before}`);
    await page.click("#session-form button");
    // Each backend's most recently used first: not by chance ours, as the crowd is at work. So: ask for ours.
    const listed = JSON.parse((await ask(lb1.admin, `/api/v1/sessions?backend=shop/${before}&limit=1000`)).text).sessions;
    const newest = listed.reduce((a, b) => (a.since > b.since ? a : b));
    await page.fill("#session-id", newest.id);
    await page.click("#session-form button");
    await page.waitForSelector(`[data-session="${newest.id}"]`);
    await page.locator(`[data-session="${newest.id}"] button`, { hasText: "Move" }).click();
    assert.match(await textOf(page, "#ask-body"), /1 user is moved from/);
    const target = await page.locator("#ask-body select").inputValue();
    await page.click("#ask-yes");
    await page.waitForSelector("dialog:not([open])", { state: "attached" });
    const elsewhere = new User(lb2.port);
    elsewhere.cookie = user.cookie;
    await eventually("the move obeyed on lb2", async () => `shop/${JSON.parse((await elsewhere.get()).text).node}` === target);

    await page.waitForSelector(`[data-session="${newest.id}"]`);
    assert.match(await page.locator(`[data-session="${newest.id}"]`).innerText(), new RegExp(`1; last from ${before}: operator, `));
    await page.locator(`[data-session="${newest.id}"] button`, { hasText: "End" }).click();
    await page.click("#ask-yes");
    await page.waitForSelector(`[data-session="${newest.id}"]`, { state: "detached" });
    const old = user.cookie;
    const third = new User(lb2.port);
    third.cookie = old;
    const response = await third.get();
    assert.equal(response.status, 200);
    assert.notEqual(third.cookie, old, "a new session, with a new cookie");
    assert.deepEqual(page.seen.errors, []);
    await page.context().close();
  });

  test("nobody finds a serious fault of accessibility, light or dark; pictures", async () => {
    for (const scheme of ["light", "dark"]) {
      const page = await openPage(stage, lb1, { scheme });
      await row(page, "app1").locator(".expand").click();
      await eventually("a curve", async () => (await page.locator(".tile .spark .line").first().getAttribute("d")).length > 40);
      await looksAccessible(page, scheme);
      await row(page, "app1").locator(".expand").click();
      await page.screenshot({ path: shot(`status-${scheme}`), fullPage: scheme === "light" });
      await page.context().close();
    }
    const phone = await openPage(stage, lb1, { scheme: "dark", width: 390, height: 844, scale: 2 });
    assert.equal(await phone.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, "no sideways scrolling");
    await looksAccessible(phone, "phone");
    await phone.screenshot({ path: shot("status-phone") });
    await phone.context().close();
  });

  test("a killed backend turns DOWN with its reason, live and where events are blocked; nobody else gets a request", async () => {
    const live = await openPage(stage, lb1);
    const polling = await openPage(stage, lb1, { block: true });
    await eventually("polling", async () => /^Asking every/.test(await textOf(polling, "#link-text")));
    // A second is what is promised. A busy machine only adds to that: of a few tries, one within the bound is proof.
    const tries = [];
    for (;;) {
      const { program, port } = stage.apps.get("app2");
      const killed = Date.now();
      await program.end();
      await eventually("DOWN, live", async () => (await stateOf(live, "app2")) === "DOWN");
      tries.push(Date.now() - killed);
      if (tries.at(-1) < 3_000 || tries.length === 5) break;
      await stage.app("app2", { delay: 2, port });
      await Promise.all([lb1, lb2].map((proxy) => stage.allUp(proxy)));
      for (const page of [live, polling]) await eventually("UP again", async () => (await stateOf(page, "app2")) === "UP");
    }
    note(`page: killed backend shown DOWN after ${tries.at(-1)} ms`);
    assert.ok(tries.at(-1) < 3_000, `${tries} ms`);
    await eventually("the reason", async () => /refused|failed too often/.test(await row(live, "app2").locator(".why").textContent()));
    await eventually("DOWN, polling", async () => (await stateOf(polling, "app2")) === "DOWN");
    assert.equal(await live.getAttribute("#verdict", "data-mood"), "warn");
    assert.match(await textOf(live, "#verdict-text"), /app2 is DOWN/);
    await eventually("the measured failover", async () => /Noticed after/.test(await textOf(live, "#failovers-body")));
    await eventually("the event", async () => (await live.locator('[data-event="backend_down"], [data-event="backend_ejected"]').count()) > 0);
    for (const page of [live, polling]) {
      const strangers = page.seen.requests.filter((url) => !url.startsWith(lb1.url) && !url.startsWith("data:"));
      assert.deepEqual(strangers, []);
      await page.context().close();
    }
    assert.equal(crowd.errors, 0, "no user saw an error");
  });

  test("drains a backend: asks first, then shows who is left and what can be done; pictures", async () => {
    const page = await openPage(stage, lb1);
    await row(page, "app3").locator(".act button").click();
    await page.click("#ask-yes");
    await eventually("DRAINING", async () => (await stateOf(page, "app3")) === "DRAINING");
    const panel = page.locator('[data-details="shop/app3"] .drain');
    await eventually("who is left", async () => Number(await panel.locator(".count span").textContent()) > 0);
    await eventually("the other proxy drains, too", async () => (await lb2.status()).pools.shop.backends.app3.state === "DRAINING");
    await eventually("a curve", async () => (await panel.locator(".spark .line").getAttribute("d")).length > 20);
    await page.locator(".toast").waitFor({ state: "detached" });
    await page.screenshot({ path: shot("status-incident"), fullPage: true });
    await looksAccessible(page, "incident");
    await page.emulateMedia({ colorScheme: "dark" });
    await looksAccessible(page, "incident in the dark");
    await page.emulateMedia({ colorScheme: "light" });
    await panel.getByText("Move the remaining users").click();
    assert.match(await textOf(page, "#ask-title"), /Move \d+ users? off app3 now\?/);
    await page.click("#ask-yes");
    await eventually("nobody left", async () => (await panel.locator(".count span").textContent()) === "0");
    await eventually("nobody is left", async () => /Nobody is left\. It can be stopped now\./.test(await panel.locator(".words").textContent()));
    await panel.getByText("Take users again").click();
    await page.click("#ask-yes");
    await eventually("UP again", async () => (await stateOf(page, "app3")) === "UP");
    await page.context().close();
  });

  test("shows a proxy that dies, a Redis that hangs, and its own silence", async () => {
    const page = await openPage(stage, lb1, { before: (page) => page.clock.install() });
    await eventually("two proxies", async () => (await page.locator("[data-node]").count()) === 2);
    await lb2.program.end("SIGKILL");
    await eventually("lb2 gone", async () => /gone: its lease has ended/.test(await textOf(page, '[data-node="lb2"]')));
    assert.equal(await page.getAttribute("#verdict", "data-mood"), "warn");
    assert.match(await textOf(page, "#verdict-text"), /Proxy lb2 is gone/);
    stage.redisServer.signal("SIGSTOP");
    await eventually("Redis degraded", async () => /Redis degraded/.test(await textOf(page, "#facts")));
    assert.notEqual(await page.getAttribute("#verdict", "data-mood"), "good");
    stage.redisServer.signal("SIGCONT");
    await eventually("Redis ok", async () => /Redis ok/.test(await textOf(page, "#facts")));
    lb1.program.signal("SIGSTOP");
    await page.clock.fastForward(5_000); // without a word
    await eventually("stale", async () => /^Last update \d+ s ago$/.test(await textOf(page, "#link-text")));
    assert.equal(await page.getAttribute("#verdict", "data-mood"), "stale");
    assert.match(await textOf(page, "#verdict-text"), /No update for/);
    lb1.program.signal("SIGCONT");
    await eventually("live again", async () => (await textOf(page, "#link-text")) === "Live");
    await page.context().close();
  });
});
