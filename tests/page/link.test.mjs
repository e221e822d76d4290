// Where the page has its news from: a stream, polling, and neither once a login is over.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import http from "node:http";
import { after, before, describe, test } from "node:test";
import { looksAccessible, openPage, row, stateOf, textOf } from "./browser.mjs";
import { HOLDFASTCTL, Stage, User, ask, eventually } from "./stage.mjs";

// What the page waits for by its own clock, which these tests put forward: the stream's first word, its next one, and
// until it tries again.
const FIRST_WORD_MS = 10_000;
const SILENCE_MS = 5_000;
const NEXT_TRY_MS = 2_000;

/** Something between the page and its proxy that passes all on, but the stream only while it likes to. */
class Middle {
  constructor(port) {
    this.port = port;
    this.holdsBack = () => false; // of the bytes of a stream, by how many came before
    this.streams = new Set();
    this.asked = [];
    this.server = http.createServer((request, response) => this.pass(request, response));
  }
  async open() {
    await new Promise((done) => this.server.listen(0, "127.0.0.1", done));
    this.url = `http://127.0.0.1:${this.server.address().port}/`;
    return this;
  }
  pass(request, response) {
    this.asked.push(request.url);
    const isStream = request.url.includes("status=1");
    const { port, address } = this.server.address();
    const headers = { ...request.headers, host: `${address}:${port}` };
    const inner = http.request({ host: "127.0.0.1", port: this.port, path: request.url, method: request.method, headers }, (got) => {
      response.writeHead(got.statusCode, got.headers);
      response.flushHeaders();
      let passed = 0;
      got.on("data", (part) => {
        if (isStream && this.holdsBack(passed)) return;
        passed += part.length;
        response.write(part);
      });
      got.on("end", () => response.end());
      got.on("error", () => response.destroy());
      if (isStream) this.streams.add(response);
    });
    inner.on("error", () => response.destroy());
    response.on("close", () => { this.streams.delete(response); inner.destroy(); });
    request.pipe(inner);
  }
  cut() {
    for (const stream of this.streams) stream.destroy();
  }
  close() {
    this.server.close();
    this.server.closeAllConnections();
  }
}

// They mostly wait, each for its own proxy: so they wait together.
describe("where the page has its news from", { concurrency: 3 }, () => {
  describe("a stream that does not get through", { concurrency: false }, () => {
    const stage = new Stage();
    let middle;
    before(async () => {
      await stage.app("app1");
      const proxy = await stage.proxy("lb1");
      await stage.allUp(proxy);
      middle = await new Middle(proxy.admin).open();
    });
    after(async () => {
      await stage.end();
      middle.close();
    });

    test("connects but stays silent: the page asks by itself, until it is heard again", async () => {
      middle.holdsBack = () => true;
      const page = await openPage(stage, middle, { first: "#link-text", before: (page) => page.clock.install() });
      await eventually("a stream", () => middle.streams.size === 1);
      await page.clock.fastForward(FIRST_WORD_MS);
      await eventually("polling", async () => /^Asking every/.test(await textOf(page, "#link-text")));
      assert.equal(await stateOf(page, "app1"), "UP");
      assert.equal(await page.getAttribute("#verdict", "data-mood"), "good");
      middle.holdsBack = () => false;
      await page.clock.fastForward(NEXT_TRY_MS);
      await eventually("live", async () => (await textOf(page, "#link-text")) === "Live");
      await page.context().close();
    });

    test("falls silent after its first words: the page asks by itself", async () => {
      middle.holdsBack = (passed) => passed > 2000;
      const page = await openPage(stage, middle, { before: (page) => page.clock.install() });
      assert.equal(await textOf(page, "#link-text"), "Live");
      await page.clock.fastForward(SILENCE_MS);
      await eventually("polling", async () => /^Asking every/.test(await textOf(page, "#link-text")));
      assert.equal(await stateOf(page, "app1"), "UP");
      await page.context().close();
    });

    test("is not to be held back: its head says so", async () => {
      const response = await new Promise((resolve) => http.get({ host: "127.0.0.1", port: middle.port, path: "/api/v1/events?status=1", headers: { Accept: "text/event-stream" } }, resolve));
      assert.equal(response.headers["x-accel-buffering"], "no");
      assert.equal(response.headers["cache-control"], "no-store");
      response.destroy();
    });
  });

  describe("a page from elsewhere, with users configured", { concurrency: false }, () => {
    const stage = new Stage();
    let proxy, middle;
    const elsewhere = { "X-Forwarded-For": "192.0.2.7" };
    before(async () => {
      for (const name of ["app1", "app2"]) await stage.app(name);
      const hash = execFileSync(HOLDFASTCTL, ["passwd"], { input: "anna's password\n" }).toString().trim();
      proxy = await stage.proxy("lb1", { admin: `[[admin.users]]\nname = "anna"\nrole = "operator"\n${hash}` });
      await stage.allUp(proxy);
      middle = await new Middle(proxy.admin).open();
    });
    after(async () => {
      await stage.end();
      middle.close();
    });

    /** By the keyboard: the name has the focus. */
    async function logIn(page) {
      await page.keyboard.type("anna");
      await page.keyboard.press("Tab");
      await page.keyboard.type("anna's password");
      await page.keyboard.press("Enter");
      await eventually("anna", async () => /^anna \(operator\)/.test(await textOf(page, "#who")));
    }

    test("shows nothing before the login, and all of the last minute after it", async () => {
      const page = await openPage(stage, middle, { headers: elsewhere, first: "dialog[open]", before: (page) => page.clock.install() });
      assert.equal(await textOf(page, "#ask-title"), "Log in");
      assert.match(await textOf(page, "#verdict-text"), /Log in to see the status/);
      assert.equal(await page.locator("[data-backend]").count(), 0);
      await looksAccessible(page, "an open dialog");
      for (const name of ["app1", "app2"]) await stage.apps.get(name).program.end();
      await eventually("DOWN", async () => Object.values((await proxy.status()).pools.shop.backends).every((b) => b.state === "DOWN"));
      const user = new User(proxy.port);
      for (let i = 0; i < 3; ++i) assert.equal((await user.get()).status, 503);
      const felt = async () => (await ask(proxy.admin, "/api/v1/history")).text;
      await eventually("the proxy's own curve has them", async () => JSON.parse(await felt()).pools.shop.errors_per_s.reduce((a, b) => a + b, 0) >= 0.6);
      await logIn(page);
      await eventually("3 error pages", async () => /^3in 1 min/.test(await page.locator(".tile .big").nth(1).textContent()));
      assert.match(await textOf(page, "#verdict-more"), /3 requests got an error page in the last minute/);
      await eventually("a curve", async () => (await page.locator(".tile .spark.errors .line").getAttribute("d")).length > 5);
      await eventually("live", async () => (await textOf(page, "#link-text")) === "Live");

      // The login is over: the stream is not taken up again, and nothing is asked any more.
      await page.context().clearCookies();
      middle.cut();
      await eventually("logged out", async () => (await textOf(page, "#link-text")) === "Logged out");
      await page.waitForSelector("dialog[open]");
      assert.match(await textOf(page, "#verdict-text"), /You are logged out: this data is \d+ s old/);
      await eventually("no stream", () => middle.streams.size === 0);
      const asked = [...middle.asked];
      await page.clock.fastForward(60_000);
      await eventually("a minute has passed", async () => /this data is ([6-9]\d|1\d\d) s old/.test(await textOf(page, "#verdict-text")));
      assert.deepEqual(middle.asked, asked, "nothing is asked");
      await logIn(page);
      await eventually("live again", async () => (await textOf(page, "#link-text")) === "Live");

      await page.click("#who");
      await eventually("nothing left to see", async () => (await page.locator("[data-backend]").count()) === 0 && /Log in to see/.test(await textOf(page, "#verdict-text")));
      await eventually("no stream", () => middle.streams.size === 0);
      await page.context().close();
    });
  });

  describe("what the page cannot know", { concurrency: false }, () => {
    const stage = new Stage();
    after(() => stage.end());

    test("is said to be unknown, until it is known", async () => {
      for (const name of ["app1", "app2"]) await stage.app(name);
      const proxy = await stage.proxy("lb1");
      await stage.allUp(proxy);
      await stage.apps.get("app2").program.end();
      const page = await openPage(stage, proxy, { before: (page) => page.route("**/api/v1/history", (route) => route.abort()) });
      await eventually("DOWN", async () => (await stateOf(page, "app2")) === "DOWN");
      const errors = page.locator(".tile").nth(1);
      await eventually("unknown", async () => /–.*not known yet/.test(await errors.textContent()));
      await eventually("words", async () => /Whether anybody got an error page in the last minute is not known yet/.test(await textOf(page, "#verdict-more")));
      await page.unroute("**/api/v1/history");
      await eventually("known", async () => /Nobody got an error page in the last minute/.test(await textOf(page, "#verdict-more")));
      await page.context().close();
    });

    test("comes with a reload: a backend's curve, and the configuration that is open", async () => {
      const { appendFileSync } = await import("node:fs");
      await stage.app("app3");
      const proxy = await stage.proxy("lb2", { apps: ["app1"] });
      await stage.allUp(proxy);
      const page = await openPage(stage, proxy);
      await page.locator("#configuration-details summary").click();
      await eventually("the configuration", async () => /app1/.test(await textOf(page, "#configuration-text")));
      appendFileSync(proxy.config, `[[pools.shop.backends]]\nname = "app3"\naddress = "127.0.0.1:${stage.apps.get("app3").port}"\n[[routes]]\nhost = "more.example"\npool = "more"\n[[routes]]\npool = "shop"\n[pools.more]\n[[pools.more.backends]]\nname = "app1"\naddress = "127.0.0.1:${stage.apps.get("app1").port}"\n`);
      proxy.program.signal("SIGHUP");
      await eventually("the configuration anew", async () => /app3/.test(await textOf(page, "#configuration-text")));
      const line = (key) => page.locator(`[data-backend="${key}"] .rate .spark .line`).getAttribute("d");
      for (const key of ["shop/app3", "more/app1"]) await eventually(`a curve of ${key}`, async () => (await line(key)).length > 10);
      await page.context().close();
    });
  });
});
