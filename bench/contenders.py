"""The proxies of the failover benchmark, each as good as its free edition can be made for this job.

Equal for all: probes of /health each second, 500 ms patience, two bad ones and a backend is out, two good ones and it is in
again; 500 ms to connect, 60 s for a response; two threads. Each entry has its differences.
"""

import http.client
import json
import os
import signal
import socket
import subprocess

from stage import BUILD, Program, Redis, await_true, free_port, listens


class Contender:
    """One proxy, or two that know of each other. `title` says with what means."""

    name, title, copies, has_redis = "", "", 1, False

    def __init__(self, stage):
        self.stage, self.directory = stage, stage.directory
        self.ports = [free_port() for _ in range(self.copies)]
        self.redis = stage.keep(Redis("map", self.directory)) if self.has_redis else None
        self.prepare()
        self.programs = [stage.keep(self.launch(i)) for i in range(self.copies)]
        for i, port in enumerate(self.ports):
            await_true(f"{self.name} listens", lambda port=port: listens(port))
            await_true(f"{self.name} is ready", lambda i=i: self.is_ready(i))

    def prepare(self):
        """What is common to all copies."""

    def launch(self, copy):
        raise NotImplementedError

    def is_ready(self, copy):
        return True

    def is_out(self, copy, backend):
        """Whether the proxy says of itself that it has noticed."""
        raise NotImplementedError

    def drain(self, backend, seconds):
        """An operator's order; gives what has to be ordered later, as (seconds from now, call), or None."""
        raise NotImplementedError

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return path


class Holdfast(Contender):
    name, title = "holdfast", "Holdfast, map in memory, own cookie"

    def prepare(self):
        self.admin = [free_port() for _ in range(self.copies)]
        self.links = {}

    def launch(self, copy):
        backends = "".join(f'[[pools.app.backends]]\nname = "{app.name}"\naddress = "{app.host}:{app.port}"\n'
                           for app in self.stage.apps)
        shared = ""
        if self.has_redis:
            shared = (f'[sessions]\nstore = "redis"\n[redis]\nurl = "redis://127.0.0.1:{self.redis.port}/0"\n'
                      f'[cluster]\nnode = "lb{copy + 1}"\n')
        (self.directory / f"state{copy}").mkdir()
        config = self.write(f"holdfast{copy}.toml", f"""
[server]
workers = 2
state_dir = "{self.directory}/state{copy}"
[[listen]]
address = "127.0.0.1:{self.ports[copy]}"
[admin]
address = "127.0.0.1:{self.admin[copy]}"
[timeouts]
connect = "500ms"
response = "60s"
[limits]
connections = 9000
{shared}
[pools.app.probe]
path = "/health"
expect = {{ sick = "503" }}
interval = "1s"
timeout = "500ms"
rise = 2
fall = 2
{backends}""")
        return Program(f"holdfast{copy}", [BUILD / "holdfast", "-c", config], self.directory,
                       {"HOLDFAST_SECRET": "one secret for all proxies of the benchmark"})

    def ask(self, copy, path):
        link = self.links.setdefault(copy, http.client.HTTPConnection("127.0.0.1", self.admin[copy], timeout=2))
        try:
            link.request("GET", path)
            return json.loads(link.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            link.close()
            return None

    def states(self, copy):
        status = self.ask(copy, "/api/v1/status")
        return {name: b["state"] for name, b in status["pools"]["app"]["backends"].items()} if status else {}

    def is_ready(self, copy):
        states = self.states(copy)
        return bool(states) and all(state == "UP" for state in states.values())

    def is_out(self, copy, backend):
        return self.states(copy).get(backend, "UP") != "UP"

    def drain(self, backend, seconds):
        subprocess.run([BUILD / "holdfastctl", "--admin", f"http://127.0.0.1:{self.admin[0]}", "drain", f"app/{backend}",
                        "--deadline", f"{seconds}s"], check=True, capture_output=True)
        return None


class HoldfastPair(Holdfast):
    name, title, copies, has_redis = "holdfast x2", "two Holdfast, map in Redis", 2, True


class Haproxy(Contender):
    name, title = "haproxy", "HAProxy, cookie insert, redispatch, safe requests retried, sessions shut on DOWN"
    sticky = "  cookie SRV insert indirect nocache httponly\n"
    peers = ""

    def launch(self, copy):
        servers = "".join(f"  server {app.name} {app.host}:{app.port} cookie {app.name} check\n" for app in self.stage.apps)
        config = self.write(f"haproxy{copy}.cfg", f"""
global
  nbthread 2
  maxconn 9000
  stats socket {self.directory}/haproxy{copy}.sock mode 600 level admin
defaults
  mode http
  option forwardfor
  option redispatch 1
  retries 3
  timeout connect 500ms
  timeout client 60s
  timeout server 60s
  timeout check 500ms
  timeout queue 5s
{self.peers}
frontend front
  bind 127.0.0.1:{self.ports[copy]}
  default_backend app
backend app
  balance leastconn
{self.sticky}  retry-on conn-failure empty-response
  http-request disable-l7-retry unless METH_GET
  option httpchk GET /health
  default-server inter 1s fastinter 200ms downinter 1s fall 2 rise 2 slowstart 10s observe layer4 error-limit 3 on-error fastinter on-marked-down shutdown-sessions
{servers}""")
        return Program(f"haproxy{copy}", ["haproxy", "-db", "-L", f"lb{copy}", "-f", config], self.directory)

    def command(self, copy, text):
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(2)
            try:
                link.connect(str(self.directory / f"haproxy{copy}.sock"))
                link.sendall(text.encode() + b"\n")
                response = b""
                while part := link.recv(65536):
                    response += part
                return response.decode()
            except OSError:
                return ""

    def is_out(self, copy, backend):
        for line in self.command(copy, "show stat app 4 -1").splitlines():
            fields = line.split(",")
            if len(fields) > 17 and fields[1] == backend:
                return not fields[17].startswith("UP")
        return False

    def drain(self, backend, seconds):
        """There is no deadline: an operator drains, waits, and takes the backend out; on each proxy."""
        for copy in range(self.copies):
            self.command(copy, f"set server app/{backend} state drain")
        return seconds, lambda: [self.command(copy, f"set server app/{backend} state maint") for copy in range(self.copies)]


class HaproxyPair(Haproxy):
    name, title, copies = "haproxy x2", "two HAProxy, stick table by the app's cookie, peers", 2
    sticky = ("  stick-table type string len 64 size 200k expire 30m peers pair\n  stick on req.cook(sid)\n"
              "  stick store-response res.cook(sid)\n")

    def prepare(self):
        lines = "".join(f"  peer lb{copy} 127.0.0.1:{free_port()}\n" for copy in range(self.copies))
        self.peers = f"peers pair\n{lines}"


class Nginx(Contender):
    name, title = "nginx", "nginx, consistent hash of the app's cookie, passive checks, safe requests retried"

    def config(self, copy, out=()):
        servers = "".join(f"    server {app.host}:{app.port} max_fails=1 fail_timeout=10s{' down' if app.name in out else ''};\n"
                          for app in self.stage.apps)
        temp = "".join(f"{kind}_temp_path {self.directory}/{kind}{copy}; "
                       for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
        user = "user root;" if os.geteuid() == 0 else ""
        return self.write(f"nginx{copy}.conf", f"""
{user} worker_processes 2; daemon off;
pid {self.directory}/nginx{copy}.pid; error_log {self.directory}/nginx{copy}-error.log warn;
events {{ worker_connections 9000; }}
http {{
  access_log off; {temp}
  upstream app {{
    zone app 256k;
    hash $cookie_sid consistent;
{servers}    keepalive 64;
  }}
  server {{
    listen 127.0.0.1:{self.ports[copy]} backlog=4096;
    location / {{
      proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_connect_timeout 500ms; proxy_read_timeout 60s;
      proxy_next_upstream error timeout; proxy_next_upstream_tries 3;
    }}
  }}
}}
""")

    def launch(self, copy):
        return Program(f"nginx{copy}", ["nginx", "-p", self.directory, "-c", self.config(copy)], self.directory)

    def is_out(self, copy, backend):
        """The free edition has no status; what it says of itself is in its error log."""
        app = next(app for app in self.stage.apps if app.name == backend)
        log = self.directory / f"nginx{copy}-error.log"
        return log.exists() and any("temporarily disabled" in line and f":{app.port}/" in line
                                    for line in log.read_text().splitlines())

    def drain(self, backend, seconds):
        """There is none: the backend is marked down, and its users go elsewhere at once."""
        for copy in range(self.copies):
            self.config(copy, out=[backend])
            os.kill(self.programs[copy].process.pid, signal.SIGHUP)
        return None


class NginxPair(Nginx):
    name, title, copies = "nginx x2", "two nginx, the same hash in both", 2


ALL = [Holdfast, HoldfastPair, Haproxy, HaproxyPair, Nginx, NginxPair]
