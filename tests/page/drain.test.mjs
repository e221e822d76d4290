// A drain to its end, and a request in quarantine.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { looksAccessible, openPage, row, shot, textOf } from "./browser.mjs";
import { Stage, eventually, killByRequest } from "./stage.mjs";

// They mostly wait, each for its own proxy: so they wait together.
describe("users who leave, and a request that is held", { concurrency: 3 }, () => {
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
      // The page itself notes each count that it shows from here on.
      await left.evaluate((count) => {
        window.counts = [Number(count.textContent)];
        new MutationObserver(() => window.counts.push(Number(count.textContent))).observe(count, { childList: true, characterData: true, subtree: true });
      });
      crowd.stop();
      await eventually("0", async () => (await left.textContent()) === "0");
      const counts = await page.evaluate(() => window.counts);
      assert.ok(counts[0] > 2 && counts.at(-1) === 0 && counts.every((count, i) => i === 0 || count <= counts[i - 1]), `${counts}`);
      await eventually("the end in words", async () => /Nobody is left\. It can be stopped now\./.test(await page.locator('[data-details="shop/app1"] .words').textContent()));
      await page.context().close();
    });
  });

  describe("a request that has killed its backend", { concurrency: false }, () => {
    const stage = new Stage();
    after(() => stage.end());

    test("is shown, and can be released", async () => {
      for (const name of ["app1", "app2"]) await stage.app(name);
      const proxy = await stage.proxy("lb1");
      await stage.allUp(proxy);
      const page = await openPage(stage, proxy);
      assert.equal(await page.locator("#quarantine").isVisible(), false);
      const { user, response } = await killByRequest(stage, proxy, "app1");
      assert.equal(response.status, 503);
      await page.locator("#quarantine tbody tr").waitFor();
      assert.match(await textOf(page, "#quarantine tbody tr"), /GET \/slow.*shop\/app1.*one user/s);
      await page.getByText("GET /slow is in quarantine for one client: it was in flight when shop/app1 crashed").waitFor();
      await looksAccessible(page, "quarantine");
      await page.locator("#quarantine").screenshot({ path: shot("quarantine") });
      await page.locator("#quarantine tbody button").click();
      assert.match(await textOf(page, "#ask-body"), /refused for the user who sent it/);
      await page.click("#ask-yes");
      await eventually("nothing is held any more", async () => !(await page.locator("#quarantine").isVisible()));
      assert.equal((await user.get("/slow?ms=1")).status, 200);
      await page.context().close();
    });
  });
});
