// Two hundred backends on one page.
import assert from "node:assert/strict";
import http from "node:http";
import { after, describe, test } from "node:test";
import { looksAccessible, note, openPage, row, shot, textOf } from "./browser.mjs";
import { PATIENCE, Stage, eventually } from "./stage.mjs";

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
    app = http.createServer((request, response) => response.end("well"));
    await new Promise((done) => app.listen(0, "0.0.0.0", done));
    const backends = Array.from({ length: 200 }, (_, i) => ({ name: `app${String(i + 1).padStart(3, "0")}`, address: i === 150 ? "127.0.0.1:1" : `127.0.1.${i + 1}:${app.address().port}` }));
    const proxy = await stage.proxy("lb1", { backends });
    await eventually("199 UP", async () => Object.values((await proxy.status()).pools.shop.backends).filter((b) => b.state === "UP").length === 199);
    stage.users(proxy, 200, 400);
    const page = await openPage(stage, proxy);
    await eventually("live", async () => (await textOf(page, "#link-text")) === "Live");
    assert.equal(await page.locator(".hive button").count(), 200);
    // One needs a look; on a busy machine others may miss a probe, and then need one, too.
    const { shown, needing } = await page.evaluate(() => {
      updateAll();
      return {
        shown: [...document.querySelectorAll("[data-backend]")].map((row) => row.dataset.backend),
        needing: Object.entries(data.status.pools.shop.backends).filter(([, b]) => needsEyes(b)).map(([name]) => `shop/${name}`),
      };
    });
    assert.ok(needing.includes("shop/app151"));
    assert.ok(shown.every((row) => needing.includes(row)), `only those that need attention: ${shown}`);
    assert.equal(shown.length, Math.min(needing.length, 60));
    await page.fill(".filter", "app042");
    await eventually("found by name", async () => (await row(page, "app042").count()) === 1);
    await page.fill(".filter", "");
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    // What a page is sent while the numbers of all backends come round once is the question.
    const missing = new Set(backends.map((backend) => backend.name));
    let bytes = 0;
    const began = Date.now();
    session.on("Network.dataReceived", (data) => (bytes += data.dataLength));
    await new Promise((done, lost) => {
      const timer = setTimeout(() => lost(new Error(`no numbers of ${[...missing]}`)), PATIENCE);
      session.on("Network.eventSourceMessageReceived", ({ eventName, data }) => {
        if (eventName !== "patch") return;
        for (const [name, told] of Object.entries(JSON.parse(data).pools?.shop?.backends || {})) if (told.probe) missing.delete(name);
        if (!missing.size) done(clearTimeout(timer));
      });
    });
    assert.ok(bytes > 0);
    const perMinute = (bytes * 60_000) / (Date.now() - began);
    note(`page: 200 busy backends cost one page ${Math.round(perMinute / 1000)} kB a minute`);
    assert.ok(perMinute < 1_000_000, `${perMinute} bytes a minute`);
    await looksAccessible(page, "200 backends");
    await page.screenshot({ path: shot("status-many") });
    await page.context().close();
  });
});
