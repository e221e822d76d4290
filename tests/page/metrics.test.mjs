// What a real Prometheus makes of /metrics, the alert rules and the dashboard.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Stage, ask, eventually } from "./stage.mjs";

const PACKAGING = new URL("../../packaging/prometheus/", import.meta.url).pathname;
const RULES = join(PACKAGING, "holdfast-alerts.yml");

describe("Prometheus", { concurrency: false }, () => {
  const stage = new Stage();
  let proxy;
  before(async () => {
    await stage.redis();
    for (const name of ["app1", "app2"]) await stage.app(name);
    proxy = await stage.proxy("lb1");
    await stage.allUp(proxy);
    stage.users(proxy, 5, 200);
  });
  after(() => stage.end());

  test("promtool has nothing to say against the metrics and the rules", async () => {
    const { text } = await ask(proxy.admin, "/metrics");
    const checked = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
    assert.equal(checked.status, 0, checked.stdout + checked.stderr);
    assert.equal(checked.stderr.trim(), "");
    const took = /holdfast_backend_probe_duration_seconds_sum\{pool="shop",backend="app1"\} (\S+)/.exec(text);
    assert.ok(took && Number(took[1]) > 0, took && took[0]);
    const rules = spawnSync("promtool", ["check", "rules", RULES], { encoding: "utf8" });
    assert.equal(rules.status, 0, rules.stdout + rules.stderr);
  });

  test("rules and dashboard ask only for metrics there are", async () => {
    const documented = new Set([...readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8").matchAll(/^\| `([a-z_]+)`/gm)].map((found) => found[1]));
    for (const file of ["holdfast-alerts.yml", "holdfast-dashboard.json"]) {
      for (const [name] of readFileSync(join(PACKAGING, file), "utf8").matchAll(/\b(holdfast|process)_[a-z_]+\b/g)) {
        assert.ok(documented.has(name.replace(/_bucket$/, "")), `${file}: ${name}`);
      }
    }
  });

  test("scrapes it, and the alert for a dead backend fires", async () => {
    const config = join(stage.folder, "prometheus.yml");
    writeFileSync(config, `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: ["${RULES}"]
scrape_configs:
  - job_name: holdfast
    static_configs: [{targets: ["127.0.0.1:${proxy.admin}"]}]
`);
    const prometheus = stage.program("prometheus", [`--config.file=${config}`, `--storage.tsdb.path=${join(stage.folder, "tsdb")}`, "--web.listen-address=127.0.0.1:0"]);
    const port = Number(/:(\d+)$/.exec(await prometheus.line('msg="Listening on"'))[1]);
    const query = async (expression) => JSON.parse((await ask(port, `/api/v1/query?query=${encodeURIComponent(expression)}`)).text).data.result;
    await eventually("a scrape", async () => (await query('holdfast_backend_state{state="UP"}')).length === 2);
    assert.equal((await query("holdfast_ready"))[0].value[1], "1");
    await stage.apps.get("app2").program.end();
    await eventually("the alert", async () => {
      const { alerts } = JSON.parse((await ask(port, "/api/v1/alerts")).text).data;
      return alerts.some((alert) => alert.labels.alertname === "HoldfastBackendDown" && alert.labels.backend === "app2" && alert.state === "firing");
    });
  });
});
