// Every answer of /api/v1 against the description that the proxy itself gives of it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Stage, User, ask, eventually, killByRequest } from "./stage.mjs";

/** What is wrong with `value` by `schema`: the part of JSON Schema 2020-12 that the description uses. */
function faults(value, schema, root, at = "$") {
  if (schema.$ref) return faults(value, schema.$ref.slice(2).split("/").reduce((node, key) => node[key], root), root, at);
  const kind = value === null ? "null" : Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value;
  const types = [schema.type || kind].flat();
  if (!types.includes(kind) && !(kind === "integer" && types.includes("number"))) return [`${at} is ${kind}, not ${types}`];
  const out = [];
  if (schema.enum && !schema.enum.includes(value)) out.push(`${at} is ${value}`);
  if (schema.minimum !== undefined && value < schema.minimum) out.push(`${at} is below ${schema.minimum}`);
  if (schema.format === "date-time" && value !== null && Number.isNaN(Date.parse(value))) out.push(`${at} is no time`);
  if (kind === "array") value.forEach((item, i) => out.push(...faults(item, schema.prefixItems ? schema.prefixItems[i] : schema.items || {}, root, `${at}[${i}]`)));
  if (kind !== "object") return out;
  for (const key of schema.required || []) if (!(key in value)) out.push(`${at}.${key} is missing`);
  for (const [key, inner] of Object.entries(value)) {
    const known = schema.properties && schema.properties[key];
    if (known) out.push(...faults(inner, known, root, `${at}.${key}`));
    else if (schema.additionalProperties === false) out.push(`${at}.${key} is not described`);
    else if (typeof schema.additionalProperties === "object") out.push(...faults(inner, schema.additionalProperties, root, `${at}.${key}`));
  }
  return out;
}

describe("the API and its description", { concurrency: false }, () => {
  const stage = new Stage();
  let proxy, description;
  const asked = new Set();
  before(async () => {
    await stage.redis();
    for (const name of ["app1", "app2"]) await stage.app(name);
    proxy = await stage.proxy("lb1");
    await stage.allUp(proxy);
    for (let i = 0; i < 12; ++i) await new User(proxy.port).get();
    description = JSON.parse((await ask(proxy.admin, "/api/v1/openapi.json")).text);
  });
  after(() => stage.end());

  async function check(method, template, path, options = {}) {
    const response = await ask(proxy.admin, path, { method: method.toUpperCase(), headers: method === "post" ? { "Content-Type": "application/json" } : {}, ...options });
    const described = description.paths[template][method].responses[response.status];
    assert.ok(described, `${method} ${template}: status ${response.status} is not described: ${response.text}`);
    const [[type, content]] = Object.entries(described.content);
    assert.ok(response.headers["content-type"].startsWith(type), `${template}: ${response.headers["content-type"]}`);
    if (type === "application/json") assert.deepEqual(faults(JSON.parse(response.text), content.schema, description), [], template);
    asked.add(`${method} ${template}`);
    return response;
  }

  test("all of it is asked, and every answer is as described", async () => {
    for (const path of ["status", "cluster", "history", "events", "sessions", "config", "openapi.json", "me"]) await check("get", `/api/v1/${path}`, `/api/v1/${path}`);
    await check("get", "/api/v1/sessions", "/api/v1/sessions?limit=none");
    const backend = "/api/v1/pools/{pool}/backends/{backend}";
    const app1 = "/api/v1/pools/shop/backends/app1";
    for (const word of ["drain", "maint", "ready"]) await check("post", `${backend}/${word}`, `${app1}/${word}`);
    await check("post", `${backend}/drain`, `${app1}/drain`, { body: '{"deadline":"never"}' });
    await check("post", `${backend}/drain`, "/api/v1/pools/shop/backends/none/drain");
    await check("post", `${backend}/drain`, `${app1}/drain`, { headers: { "Content-Type": "text/plain" } });
    await stage.allUp(proxy);
    const { sessions } = JSON.parse((await check("get", "/api/v1/sessions", "/api/v1/sessions?backend=shop/app1&limit=5")).text);
    await check("get", "/api/v1/sessions", `/api/v1/sessions?id=${sessions[0].id}`);
    await check("post", "/api/v1/sessions/{id}/move", `/api/v1/sessions/${sessions[0].id}/move`, { body: '{"to":"shop/app2"}' });
    await check("post", "/api/v1/sessions/{id}/end", `/api/v1/sessions/${sessions[0].id}/end`);
    await check("post", "/api/v1/sessions/{id}/end", "/api/v1/sessions/nobody/end");
    await check("post", `${backend}/sessions/move`, `${app1}/sessions/move`);
    await check("post", `${backend}/sessions/end`, `${app1}/sessions/end`);
    await check("post", "/api/v1/pools/{pool}/sessions/end", "/api/v1/pools/shop/sessions/end");
    const roll = "/api/v1/pools/{pool}/roll";
    await check("post", roll, "/api/v1/pools/shop/roll", { body: '{"id":"one","by":"ops"}' });
    await check("post", roll, "/api/v1/pools/shop/roll", { body: '{"id":"two"}' });
    await check("post", roll, "/api/v1/pools/none/roll", { body: '{"id":"two"}' });
    await check("post", roll, "/api/v1/pools/shop/roll", { body: '{"id":1}' });
    await check("post", `${roll}/renew`, "/api/v1/pools/shop/roll/renew", { body: '{"id":"one","backend":"app1"}' });
    await check("post", `${roll}/end`, "/api/v1/pools/shop/roll/end", { body: '{"id":"one"}' });
    await check("post", `${roll}/end`, "/api/v1/pools/shop/roll/end", { body: "{}" });
    await check("post", "/api/v1/reload", "/api/v1/reload", { body: '{"check":true}' });
    await check("post", "/api/v1/reload", "/api/v1/reload");
    await check("post", "/api/v1/reload", "/api/v1/reload", { body: "[]" });
    await check("post", "/api/v1/login", "/api/v1/login", { body: '{"name":"a","password":"b"}' });
    await check("post", "/api/v1/login", "/api/v1/login", { body: "{}" });
    await check("post", "/api/v1/logout", "/api/v1/logout");
    await check("get", "/api/v1/quarantine", "/api/v1/quarantine");
    const { user, response } = await killByRequest(stage, proxy, "app2");
    assert.equal(response.status, 503, response.text);
    const { requests } = JSON.parse((await check("get", "/api/v1/quarantine", "/api/v1/quarantine")).text);
    assert.equal(requests.length, 1);
    assert.equal((await user.get("/slow?ms=600000")).status, 503);
    const release = "/api/v1/quarantine/{id}/release";
    await check("post", release, `/api/v1/quarantine/${requests[0].id}/release`);
    await check("post", release, `/api/v1/quarantine/${requests[0].id}/release`);
    assert.equal((await user.get("/slow?ms=1")).status, 200);
    await eventually("DOWN", async () => (await proxy.status()).pools.shop.backends.app2.state === "DOWN");
    for (const path of ["status", "cluster", "events"]) await check("get", `/api/v1/${path}`, `/api/v1/${path}`);
    const all = Object.entries(description.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
    assert.deepEqual(all.filter((one) => !asked.has(one)), []);
  });

  test("hostile input gets 4xx and nothing else", async () => {
    const rows = [
      ["GET", "/api/v1/../status"], ["GET", "//api/v1/status"], ["GET", "/api/v1/status/"], ["GET", "/%2e%2e/etc/passwd"], ["GET", "/api/v1/sessions?limit=-1"], ["GET", "/api/v1/sessions?limit=99999999999999999999"],
      ["GET", "/api/v1/sessions?backend=../.."], ["POST", "/api/v1/status"], ["DELETE", "/api/v1/status"], ["POST", "/api/v1/pools/shop/backends/app1/nonsense"], ["POST", "/api/v1/pools/%00/backends/app1/drain"],
    ];
    for (const [method, path] of rows) {
      const { status } = await ask(proxy.admin, path, { method, headers: { "X-Holdfast-Request": "1" } });
      assert.ok(status >= 400 && status < 500, `${method} ${path}: ${status}`);
    }
    for (const body of ["{", "null", "[]", '{"deadline":1}', '{"by":""}', '{"__proto__":{}}', '{"deadline":"10m","deadline":"x"}', "[".repeat(5000), "x".repeat(200_000)]) {
      const { status } = await ask(proxy.admin, "/api/v1/pools/shop/backends/app1/drain", { method: "POST", headers: { "Content-Type": "application/json" }, body });
      assert.ok(status >= 400 && status < 500, `${body.slice(0, 40)}: ${status}`);
    }
    assert.equal((await ask(proxy.admin, "/livez")).status, 200);
  });
});
