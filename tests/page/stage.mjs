// The stage for tests of the status page: real proxies, real apps, a real Redis, users with cookies, and Chromium.
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const BUILD = process.env.HOLDFAST_BUILD || "build/release";
export const HOLDFAST = process.env.HOLDFAST_BINARY || join(BUILD, "holdfast");
export const HOLDFASTCTL = process.env.HOLDFAST_CTL || join(BUILD, "holdfastctl");
const SAMPLE_APP = process.env.HOLDFAST_SAMPLE_APP || join(BUILD, "holdfast-sample-app");
export const PATIENCE = 60_000; // the machine may be busy

/** Asks again until `check` gives something true; says what was waited for when it never does. */
export async function eventually(what, check, patience = PATIENCE) {
  const end = Date.now() + patience;
  let last;
  for (;;) {
    try {
      last = await check();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`never came: ${what} (last: ${last})`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

/** A child whose lines can be waited for. It dies with us, even when CTest has lost its patience. */
class Program {
  constructor(path, args, env = {}) {
    this.path = path;
    this.lines = [];
    this.news = new EventEmitter().setMaxListeners(0);
    this.child = spawn("setpriv", ["--pdeathsig", "KILL", path, ...args], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
    this.exited = once(this.child, "exit");
    for (const stream of [this.child.stdout, this.child.stderr]) createInterface(stream).on("line", (line) => this.news.emit("any", this.lines.push(line)));
    this.child.on("close", () => this.news.emit("any", (this.isOver = true)));
  }
  /** The first line with `text`, as soon as it is there. */
  line(text) {
    return new Promise((found, lost) => {
      const giveUp = (why) => lost(new Error(`${this.path} never said "${text}": ${why}. It says:\n${this.lines.join("\n")}`));
      const timer = setTimeout(() => { this.news.off("any", look); giveUp("it still runs"); }, PATIENCE);
      const look = () => {
        const line = this.lines.find((line) => line.includes(text));
        if (line === undefined && !this.isOver) return;
        clearTimeout(timer);
        this.news.off("any", look);
        line === undefined ? giveUp("it has ended") : found(line);
      };
      this.news.on("any", look);
      look();
    });
  }
  signal(name) {
    this.child.kill(name);
  }
  async end(signal = "SIGKILL") {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill(signal);
      await this.exited;
    }
  }
}

/** GET or POST without a browser. */
export function ask(port, path, { method = "GET", headers = {}, body, agent } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: "127.0.0.1", port, path, method, headers: { Host: "127.0.0.1", ...headers }, agent }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
      response.on("error", reject);
    });
    request.on("error", reject);
    if (body !== undefined) request.write(body);
    request.end();
  });
}

/** Somebody with a browser: keeps the cookies, asks now and then. Without the app's own cookie each request would be a new
    login, which the app keeps in a file: thousands of files a minute. */
export class User {
  constructor(port) {
    this.port = port;
    this.cookie = ""; // ours
    this.appCookies = new Map();
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  }
  async get(path = "/api/whoami") {
    const cookies = [this.cookie, ...this.appCookies.values()].filter(Boolean).join("; ");
    const response = await ask(this.port, path, { headers: cookies ? { Cookie: cookies } : {}, agent: this.agent });
    for (const line of response.headers["set-cookie"] || []) {
      const given = line.split(";")[0];
      if (given.startsWith("holdfast=")) this.cookie = given;
      else this.appCookies.set(given.split("=")[0], given);
    }
    return response;
  }
  leave() {
    this.agent.destroy();
  }
}

/** A user whose node is the one of that name. */
export async function userOn(proxy, name) {
  return eventually(`a user on ${name}`, async () => {
    const user = new User(proxy.port);
    return (await user.get()).text.includes(name) && user;
  });
}

/** Kills the app with nothing but one request of a new kind in flight: that one goes into quarantine. */
export async function killByRequest(stage, proxy, name) {
  const user = await userOn(proxy, name);
  const asked = user.get("/slow?ms=600000");
  await eventually("it is there", async () => (await proxy.status()).pools.shop.backends[name].requests_in_flight === 1);
  await stage.apps.get(name).program.end();
  return { user, response: await asked };
}

// One Chromium for all stages of a file: a stage has contexts of its own, which know nothing of each other. It starts with
// the first page and ends with the last stage.
let browser = null;
let stages = 0;
function launch() {
  // Root needs --no-sandbox; Playwright adds what keeps Chromium from calling home. The pages are ours.
  browser ??= chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--font-render-hinting=none", "--disable-background-networking"], timeout: PATIENCE });
  return browser;
}

export class Stage {
  constructor() {
    ++stages;
    this.contexts = [];
    this.folder = mkdtempSync(join(tmpdir(), "holdfast-page-"));
    this.programs = [];
    this.apps = new Map();
    this.proxies = new Map();
    this.traffic = [];
  }

  /** It ends with the stage. */
  program(path, args, env) {
    const program = new Program(path, args, env);
    this.programs.push(program);
    return program;
  }

  async app(name, { port = 0, delay = 0 } = {}) {
    const program = this.program(SAMPLE_APP, ["--name", name, "--port", String(port), "--delay-ms", String(delay), "--state-dir", this.folder]);
    const line = await program.line("listening on");
    const app = { name, program, port: Number(line.split(":").at(-1)) };
    this.apps.set(name, app);
    return app;
  }

  async redis() {
    const socket = join(this.folder, "redis.sock");
    const program = this.program("redis-server", ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", this.folder]);
    await program.line("eady to accept connections");
    this.redisServer = program;
    this.redisUrl = `redis+unix://${socket}?db=0`;
    return program;
  }

  /** `tables` is TOML behind what all have: a listener, the admin listener, the pool "shop" of the apps named. */
  async proxy(name, { apps, pool = "", tables = "", backends, shared = Boolean(this.redisUrl), admin = "", sessions = "", env = {} } = {}) {
    const nodes = backends || (apps || [...this.apps.keys()]).map((app) => ({ name: app, address: `127.0.0.1:${this.apps.get(app).port}` }));
    const path = join(this.folder, `${name}.toml`);
    const text = `[server]
workers = 2
state_dir = "${this.folder}/${name}"
[[listen]]
address = "127.0.0.1:0"
[admin]
address = "127.0.0.1:0"
${admin}
[sessions]
secret_file = "${this.folder}/secret"
${sessions}
${shared ? `store = "redis"\n[redis]\nurl = "${this.redisUrl}"\ntimeout = "500ms"\n[cluster]\nnode = "${name}"` : ""}
[pools.shop]
${pool}
[pools.shop.probe]
path = "/health"
interval = "1s"
fast_interval = "50ms"
timeout = "1s"
${nodes.map((node) => `[[pools.shop.backends]]\nname = ${JSON.stringify(node.name)}\naddress = "${node.address}"\n${node.more || ""}`).join("\n")}
${tables}
`;
    mkdirSync(join(this.folder, name), { recursive: true });
    writeFileSync(join(this.folder, "secret"), "a secret that only the tests know, long enough for all\n", { mode: 0o600 });
    writeFileSync(path, text);
    const program = this.program(HOLDFAST, ["-c", path], env);
    const portOf = async (word) => Number(/:(\d+)"?$/.exec(await program.line(word))[1]);
    const proxy = { name, program, config: path, admin: await portOf(" admin_listening "), port: await portOf(" listening ") };
    proxy.url = `http://127.0.0.1:${proxy.admin}/`;
    proxy.status = async () => JSON.parse((await ask(proxy.admin, "/api/v1/status")).text);
    await program.line(" ready ");
    this.proxies.set(name, proxy);
    return proxy;
  }

  allUp(proxy) {
    return eventually("all backends UP", async () => Object.values((await proxy.status()).pools).every((pool) => Object.values(pool.backends).every((b) => b.state === "UP")));
  }

  /** Users who each ask once in `every` ms until they are told to stop. */
  users(proxy, number, every = 500, paths = ["/api/whoami"]) {
    const crowd = { users: [], errors: 0, responses: 0, timers: [] };
    for (let i = 0; i < number; ++i) {
      const user = new User(proxy.port);
      crowd.users.push(user);
      let n = i;
      const round = async () => {
        try {
          const response = await user.get(paths[n++ % paths.length]);
          response.status < 500 ? ++crowd.responses : ++crowd.errors;
        } catch {
          ++crowd.errors;
        }
        if (!crowd.stopped) crowd.timers[i] = setTimeout(round, every * (0.5 + Math.random()));
      };
      crowd.timers[i] = setTimeout(round, Math.random() * every);
    }
    crowd.stop = () => {
      crowd.stopped = true;
      crowd.timers.forEach(clearTimeout);
      crowd.users.forEach((user) => user.leave());
    };
    this.traffic.push(crowd);
    return crowd;
  }

  /** A browser's window with nothing in it. */
  async context(options) {
    const context = await (await launch()).newContext(options);
    context.setDefaultTimeout(PATIENCE);
    this.contexts.push(context);
    return context;
  }

  async end() {
    this.traffic.forEach((crowd) => crowd.stop());
    try {
      await Promise.all(this.contexts.map((context) => context.close()));
      if (--stages === 0 && browser) await (await browser).close();
    } finally {
      await Promise.all(this.programs.map((program) => program.end()));
      rmSync(this.folder, { recursive: true, force: true });
    }
  }
}
