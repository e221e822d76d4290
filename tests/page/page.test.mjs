// The status page in a real browser, before real proxies, apps and Redis.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { looksAccessible, openPage, row, stateOf, textOf } from "./browser.mjs";
import { HOLDFASTCTL, Stage, User, ask, eventually, killByRequest } from "./stage.mjs";

const SHOTS = process.env.HOLDFAST_SHOTS || join(process.env.HOLDFAST_BUILD || "build/release", "page-shots");
mkdirSync(SHOTS, { recursive: true });
const note = (line) => process.env.HOLDFAST_TEST_NOTES && appendFileSync(process.env.HOLDFAST_TEST_NOTES, `${line}\n`);

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

  test("nobody finds a serious fault of accessibility, light or dark; pictures", async () => {
    for (const scheme of ["light", "dark"]) {
      const page = await openPage(stage, lb1, { scheme });
      await row(page, "app1").locator(".expand").click();
      await eventually("a curve", async () => (await page.locator(".tile .spark .line").first().getAttribute("d")).length > 40);
      await looksAccessible(page, scheme);
      await row(page, "app1").locator(".expand").click();
      await page.screenshot({ path: join(SHOTS, `status-${scheme}.png`), fullPage: scheme === "light" });
      await page.context().close();
    }
    const phone = await openPage(stage, lb1, { scheme: "dark", width: 390, height: 844, scale: 2 });
    assert.equal(await phone.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, "no sideways scrolling");
    await looksAccessible(phone, "phone");
    await phone.screenshot({ path: join(SHOTS, "status-phone.png") });
    await phone.context().close();
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
    const answer = await third.get();
    assert.equal(answer.status, 200);
    assert.notEqual(third.cookie, old, "a new session, with a new cookie");
    assert.deepEqual(page.seen.errors, []);
    await page.context().close();
  });

  test("a killed backend turns DOWN with its reason, live and where events are blocked; nobody else gets a request", async () => {
    const live = await openPage(stage, lb1);
    const polling = await openPage(stage, lb1, { block: true });
    await eventually("polling", async () => /^Asking every/.test(await textOf(polling, "#link-text")));
    const killed = Date.now();
    await stage.apps.get("app2").program.end();
    await eventually("DOWN, live", async () => (await stateOf(live, "app2")) === "DOWN");
    const took = Date.now() - killed;
    note(`page: killed backend shown DOWN after ${took} ms`);
    console.log(`killed backend shown DOWN after ${took} ms`);
    assert.ok(took < 3_000, `${took} ms`); // a second is what is promised; the machine may be busy
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
    await page.screenshot({ path: join(SHOTS, "status-incident.png"), fullPage: true });
    await looksAccessible(page, "incident");
    await page.emulateMedia({ colorScheme: "dark" });
    await looksAccessible(page, "incident in the dark");
    await page.emulateMedia({ colorScheme: "light" });
    await panel.getByText("Move who is left").click();
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
    const page = await openPage(stage, lb1);
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
    await eventually("stale", async () => /^Last update \d+ s ago$/.test(await textOf(page, "#link-text")));
    assert.equal(await page.getAttribute("#verdict", "data-mood"), "stale");
    assert.match(await textOf(page, "#verdict-text"), /No news for/);
    lb1.program.signal("SIGCONT");
    await eventually("live again", async () => (await textOf(page, "#link-text")) === "Live");
    await page.context().close();
  });
});

describe("users with roles", { concurrency: false }, () => {
  const stage = new Stage();
  let proxy;
  before(async () => {
    for (const name of ["app1", "app2"]) await stage.app(name);
    const hash = (password) => execFileSync(HOLDFASTCTL, ["passwd"], { input: `${password}\n` }).toString().trim();
    const made = execFileSync(HOLDFASTCTL, ["token"]).toString();
    stage.token = /kept: (\S+)/.exec(made)[1];
    proxy = await stage.proxy("lb1", {
      admin: `[[admin.users]]\nname = "anna"\nrole = "operator"\n${hash("anna's password")}\n[[admin.users]]\nname = "vera"\n${hash("vera's password")}\n[[admin.tokens]]\nname = "deploy"\nrole = "operator"\n${made}`,
    });
    await stage.allUp(proxy);
  });
  after(() => stage.end());

  const drainPath = "/api/v1/pools/shop/backends/app1/drain";
  const login = async (name, password) => {
    const answer = await ask(proxy.admin, "/api/v1/login", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ name, password }) });
    return { status: answer.status, cookie: (answer.headers["set-cookie"] || [""])[0].split(";")[0], csrf: answer.status === 200 ? JSON.parse(answer.text).csrf : "" };
  };
  const drain = (headers) => ask(proxy.admin, drainPath, { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body: "{}" });

  test("this machine may look without a login, and is asked for one before it acts", async () => {
    const page = await openPage(stage, proxy);
    assert.equal(await stateOf(page, "app1"), "UP");
    await row(page, "app1").locator(".act button").click();
    assert.equal(await textOf(page, "#ask-title"), "Log in");
    await page.fill("#ask-body input[name=name]", "vera");
    await page.fill("#ask-body input[name=password]", "wrong");
    await page.click("#ask-yes");
    await eventually("refused", async () => /no such user/.test(await textOf(page, "#ask-problem")));
    await page.fill("#ask-body input[name=password]", "vera's password");
    await page.click("#ask-yes");
    await eventually("vera", async () => /^vera \(viewer\)/.test(await textOf(page, "#who")));
    await row(page, "app1").locator(".act button").click();
    await eventually("a viewer is told so", async () => /may look, but not act/.test(await textOf(page, "#toasts")));
    await page.click("#who");
    await eventually("logged out", async () => (await textOf(page, "#who")) === "Log in");
    await page.click("#who");
    await page.fill("#ask-body input[name=name]", "anna");
    await page.fill("#ask-body input[name=password]", "anna's password");
    await page.click("#ask-yes");
    await eventually("anna", async () => /^anna \(operator\)/.test(await textOf(page, "#who")));
    await row(page, "app1").locator(".act button").click();
    await page.click("#ask-yes");
    await eventually("DRAINING", async () => (await stateOf(page, "app1")) === "DRAINING");
    await eventually("who did it", async () => /by anna/.test(await row(page, "app1").locator(".why").textContent()));
    await eventually("the audit line", async () => proxy.program.lines.some((line) => line.includes("operator_action by=anna")));
    await looksAccessible(page, "logged in");
    await page.context().close();
  });

  test("without rights, without the CSRF token, from another origin: refused", async () => {
    const vera = await login("vera", "vera's password");
    assert.equal((await drain({ Cookie: vera.cookie, "X-Holdfast-CSRF": vera.csrf })).status, 403);
    const anna = await login("anna", "anna's password");
    assert.equal((await drain({ Cookie: anna.cookie })).status, 403);
    assert.equal((await drain({ Cookie: anna.cookie, "X-Holdfast-CSRF": anna.csrf, Origin: "http://evil.example" })).status, 403);
    assert.equal((await drain({})).status, 401);
    assert.equal((await drain({ Authorization: `Bearer ${stage.token}` })).status, 200);
    assert.equal((await drain({ Cookie: anna.cookie, "X-Holdfast-CSRF": anna.csrf })).status, 200);
    for (const line of proxy.program.lines) assert.ok(!line.includes("password"), "nothing secret in the log");
    assert.ok(!(await ask(proxy.admin, "/api/v1/config")).text.includes("argon2id"), "nor in the configuration shown");
  });

  test("guessing is slowed down", async () => {
    const answers = [];
    for (let i = 0; i < 8; ++i) answers.push((await login("anna", `guess ${i}`)).status);
    assert.deepEqual([...new Set(answers)].sort(), [401, 429]);
  });
});

describe("what comes from outside", { concurrency: false }, () => {
  const stage = new Stage();
  const evil = `<img src=x onerror="alert(1)"><script>alert(2)</script>`;
  let app;
  after(async () => {
    await stage.end();
    app.close();
    app.closeAllConnections();
  });

  test("is text, whatever it looks like", async () => {
    app = http.createServer((request, answer) => {
      answer.setHeader("Content-Type", "application/json");
      answer.end(JSON.stringify({ status: evil }));
    });
    await new Promise((done) => app.listen(0, "127.0.0.1", done));
    const proxy = await stage.proxy("lb1", {
      backends: [{ name: "app1", address: `127.0.0.1:${app.address().port}` }],
      tables: `[pools.shop.probe.expect]\njson = { "/status" = "running" }\n`,
    });
    await eventually("DOWN", async () => (await proxy.status()).pools.shop.backends.app1.state === "DOWN");
    const page = await openPage(stage, proxy);
    await eventually("its words as text", async () => (await row(page, "app1").locator(".why").textContent()).includes("<img src=x"));
    await row(page, "app1").locator(".expand").click();
    await eventually("and with each probe", async () => (await textOf(page, ".probe-list")).includes("<img src=x"));
    assert.equal(await page.locator("img").count(), 0);
    assert.equal(await page.locator("script").count(), 1);
    assert.deepEqual(page.seen.errors.filter((error) => error.includes("dialog")), []);
    await eventually("red: nobody serves", async () => (await page.getAttribute("#verdict", "data-mood")) === "bad");
    await page.context().close();
  });
});

describe("a drain to its end", { concurrency: false }, () => {
  const stage = new Stage();
  after(() => stage.end());

  test("the count falls to 0 as users leave", async () => {
    for (const name of ["app1", "app2"]) await stage.app(name);
    const proxy = await stage.proxy("lb1", { sessions: 'idle_timeout = "4s"' });
    await stage.allUp(proxy);
    const crowd = stage.users(proxy, 20, 200);
    const page = await openPage(stage, proxy);
    await eventually("users", async () => Number(await row(page, "app1").locator(".bound").textContent()) > 2);
    await row(page, "app1").locator(".act button").click();
    await page.click("#ask-yes");
    const left = page.locator('[data-details="shop/app1"] .count span');
    await eventually("who is left", async () => Number(await left.textContent()) > 2);
    await eventually("how they are", async () => /\d+ active, \d+ idle/.test(await page.locator('[data-details="shop/app1"] .words').textContent()));
    crowd.stop();
    const counts = new Set();
    await eventually("0", async () => {
      const now = Number(await left.textContent());
      counts.add(now);
      return now === 0;
    });
    assert.ok(counts.size >= 2);
    await eventually("the end in words", async () => /Nobody is left\. It can be stopped now\./.test(await page.locator('[data-details="shop/app1"] .words').textContent()));
    await page.context().close();
  });
});

describe("a request that has killed its backend", { concurrency: false }, () => {
  const stage = new Stage();
  after(() => stage.end());

  test("is shown, and can be passed on again", async () => {
    for (const name of ["app1", "app2"]) await stage.app(name);
    const proxy = await stage.proxy("lb1");
    await stage.allUp(proxy);
    const page = await openPage(stage, proxy);
    assert.equal(await page.locator("#quarantine").isVisible(), false);
    const { user, answer } = await killByRequest(stage, proxy, "app1");
    assert.equal(answer.status, 503);
    await page.locator("#quarantine tbody tr").waitFor();
    assert.match(await textOf(page, "#quarantine tbody tr"), /GET \/slow.*shop\/app1.*one user/s);
    await page.getByText("GET /slow is refused to who asked it: it was in flight when shop/app1 died").waitFor();
    await looksAccessible(page, "quarantine");
    await page.locator("#quarantine").screenshot({ path: join(SHOTS, "quarantine.png") });
    await page.locator("#quarantine tbody button").click();
    assert.match(await textOf(page, "#ask-body"), /refused to 1 user, who asked it/);
    await page.click("#ask-yes");
    await eventually("nothing is held any more", async () => !(await page.locator("#quarantine").isVisible()));
    assert.equal((await user.get("/slow?ms=1")).status, 200);
    await page.context().close();
  });
});

describe("two hundred backends", { concurrency: false }, () => {
  const stage = new Stage();
  let app;
  after(async () => {
    await stage.end();
    app.close();
    app.closeAllConnections();
  });

  test("are no wall, and cost a page less than 1 MB a minute", async () => {
    // One server under two hundred addresses; one address has nobody.
    app = http.createServer((request, answer) => answer.end("well"));
    await new Promise((done) => app.listen(0, "0.0.0.0", done));
    const backends = Array.from({ length: 200 }, (_, i) => ({ name: `app${String(i + 1).padStart(3, "0")}`, address: i === 150 ? "127.0.0.1:1" : `127.0.1.${i + 1}:${app.address().port}` }));
    const proxy = await stage.proxy("lb1", { backends });
    await eventually("199 UP", async () => Object.values((await proxy.status()).pools.shop.backends).filter((b) => b.state === "UP").length === 199);
    stage.users(proxy, 200, 400);
    const page = await openPage(stage, proxy);
    await eventually("live", async () => (await textOf(page, "#link-text")) === "Live");
    assert.equal(await page.locator(".hive button").count(), 200);
    assert.ok((await page.locator("[data-backend]").count()) < 20, "only those that need a look");
    await page.fill(".filter", "app042");
    await eventually("found by name", async () => (await row(page, "app042").count()) === 1);
    await page.fill(".filter", "");
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    let bytes = 0;
    session.on("Network.dataReceived", (data) => (bytes += data.dataLength));
    const began = Date.now();
    await new Promise((done) => setTimeout(done, 20_000)); // what a page is sent in 20 s is the question
    const perMinute = (bytes * 60_000) / (Date.now() - began);
    note(`page: 200 busy backends cost one page ${Math.round(perMinute / 1000)} kB a minute`);
    assert.ok(perMinute < 1_000_000, `${perMinute} bytes a minute`);
    await looksAccessible(page, "200 backends");
    await page.screenshot({ path: join(SHOTS, "status-many.png") });
    await page.context().close();
  });
});
