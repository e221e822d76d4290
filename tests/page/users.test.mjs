// Who may look and who may act; and that words from outside are text.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import http from "node:http";
import { after, before, describe, test } from "node:test";
import { looksAccessible, openPage, row, stateOf, textOf } from "./browser.mjs";
import { HOLDFASTCTL, Stage, ask, eventually } from "./stage.mjs";

describe("users with roles", { concurrency: false }, () => {
  const stage = new Stage();
  let proxy;
  before(async () => {
    for (const name of ["app1", "app2"]) await stage.app(name);
    const hash = (password) => execFileSync(HOLDFASTCTL, ["passwd"], { input: `${password}\n` }).toString().trim();
    const made = execFileSync(HOLDFASTCTL, ["token"]).toString();
    stage.token = /anywhere: (\S+)/.exec(made)[1];
    proxy = await stage.proxy("lb1", {
      admin: `[[admin.users]]\nname = "anna"\nrole = "operator"\n${hash("anna's password")}\n[[admin.users]]\nname = "vera"\n${hash("vera's password")}\n[[admin.tokens]]\nname = "deploy"\nrole = "operator"\n${made}`,
    });
    await stage.allUp(proxy);
  });
  after(() => stage.end());

  const drainPath = "/api/v1/pools/shop/backends/app1/drain";
  const login = async (name, password) => {
    const response = await ask(proxy.admin, "/api/v1/login", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ name, password }) });
    return { status: response.status, cookie: (response.headers["set-cookie"] || [""])[0].split(";")[0], csrf: response.status === 200 ? JSON.parse(response.text).csrf : "" };
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
    await eventually("refused", async () => /wrong user name or password/.test(await textOf(page, "#ask-problem")));
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
    const responses = [];
    for (let i = 0; i < 8; ++i) responses.push((await login("anna", `guess ${i}`)).status);
    assert.deepEqual([...new Set(responses)].sort(), [401, 429]);
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
    app = http.createServer((request, response) => {
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify({ status: evil }));
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
