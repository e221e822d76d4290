"""The proxies that a benchmark starts: equal work configured for each, one process tree each, pinned to its CPUs."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"
BACKEND_PORTS = [7081, 7082, 7083]


def wait_for_port(port, process):
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[-1]} ended with {process.returncode} before it listened on {port}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nobody listens on {port}")


class Process:
    """A program pinned to CPUs, with its log beside the results; ended by pid."""

    def __init__(self, name, command, port, cpus, directory):
        self.name, self.port = name, port
        self.log = open(directory / f"{name}.log", "w", encoding="utf-8")
        self.process = subprocess.Popen(["taskset", "-c", cpus, *map(str, command)], stdout=self.log, stderr=self.log)
        wait_for_port(port, self.process)

    def pids(self):
        """The process and its children: nginx works in one."""
        found = [self.process.pid]
        for pid in found:
            children = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
            found += [int(child) for child in children.read_text().split()] if children.exists() else []
        return found

    def cpu_seconds(self):
        """User and system time of all threads, by the scheduler's own clock (nanoseconds, not ticks)."""
        tasks = [task for pid in self.pids() for task in pathlib.Path(f"/proc/{pid}/task").iterdir()]
        return sum(int((task / "schedstat").read_text(encoding="ascii").split()[0]) for task in tasks) / 1e9

    def resident_bytes(self):
        total = 0
        for pid in self.pids():
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            total += int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024
        return total

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def write(directory, name, text):
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def backend(directory, cpus):
    return Process("backend", [BUILD / "bench_backend", *BACKEND_PORTS], BACKEND_PORTS[0], cpus, directory)


def floor(directory, cpus, port):
    return Process("floor", [BUILD / "bench_floor", port, BACKEND_PORTS[0]], port, cpus, directory)


def nginx(directory, cpus, port, workers=1, log=False):
    servers = "".join(f"server 127.0.0.1:{p}; " for p in BACKEND_PORTS)
    temp = "".join(f"{kind}_temp_path {directory}/{kind}; " for kind in
                   ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
    access = f"access_log {directory}/nginx-access.log combined buffer=64k flush=1s;" if log else "access_log off;"
    config = write(directory, "nginx.conf", f"""
worker_processes {workers}; pid {directory}/nginx.pid; error_log {directory}/nginx-error.log; daemon off;
events {{ worker_connections 12000; use epoll; }}
http {{
  {access} {temp}
  keepalive_requests 1000000000; keepalive_timeout 600s;
  upstream app {{ ip_hash; {servers} keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096; client_max_body_size 0;
    location / {{
      proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_request_buffering off;
    }}
  }}
}}
""")
    return Process("nginx", ["nginx", "-p", directory, "-c", config], port, cpus, directory)


def haproxy(directory, cpus, port, workers=1):
    servers = "".join(f"  server app{i} 127.0.0.1:{p} cookie a{i} check inter 2s\n" for i, p in enumerate(BACKEND_PORTS))
    config = write(directory, "haproxy.cfg", f"""
global
  nbthread {workers}
  maxconn 9000
defaults
  mode http
  timeout client 600s
  timeout server 60s
  timeout connect 2s
  option forwardfor
  http-reuse safe
frontend front
  bind 127.0.0.1:{port}
  default_backend app
backend app
  balance leastconn
  cookie SRV insert indirect nocache httponly
  option httpchk GET /2
{servers}""")
    return Process("haproxy", ["haproxy", "-db", "-f", config], port, cpus, directory)


def holdfast_config(directory, name, port, workers, more_pools=0, backends_each=0, log=False, sessions_max=1_000_000):
    lines = [f'[server]\nworkers = {workers}\nstate_dir = "{directory}/state"\nlog = {{ level = "warn" }}']
    if log:
        lines.append(f'access_log = {{ path = "{directory}/holdfast-access.log", format = "json" }}')
    lines.append(f'[[listen]]\naddress = "127.0.0.1:{port}"\n[admin]\naddress = "127.0.0.1:{port + 100}"')
    lines.append(f'[sessions]\nsessions_max = {sessions_max}\n[timeouts]\nclient_idle = "10m"\n[limits]\nconnections = 15000')
    lines.append('[pools.app.probe]\npath = "/2"')
    for i, p in enumerate(BACKEND_PORTS):
        lines.append(f'[[pools.app.backends]]\nname = "app{i}"\naddress = "127.0.0.1:{p}"')
    for pool in range(more_pools):
        addresses = ", ".join(f'"127.1.{pool}.{n + 1}:7081"' for n in range(backends_each))
        lines.append(f'[pools.p{pool}]\nbackends = [{addresses}]\nprobe = {{ type = "none" }}')
        lines.append(f'[[routes]]\nhost = "p{pool}.example.com"\npool = "p{pool}"')
    if more_pools:
        lines.append('[[routes]]\npool = "app"')
    return write(directory, f"{name}.toml", "\n".join(lines) + "\n")


def holdfast(directory, cpus, port, workers=1, name="holdfast", **more):
    config = holdfast_config(directory, name, port, workers, **more)
    process = Process(name, [BUILD / "holdfast", "-c", config], port, cpus, directory)
    for _ in range(100):  # connections wait in the kernel's queue until the first probes are done
        with socket.create_connection(("127.0.0.1", port), 5) as probe:
            probe.sendall(b"GET /2 HTTP/1.1\r\nHost: bench.example\r\nConnection: close\r\n\r\n")
            if b" 200 " in probe.recv(4096):
                return process
        time.sleep(0.05)
    raise RuntimeError("holdfast does not serve")


def sticky_cookie(port):
    """What an existing user sends: the cookie of the first response, if the proxy sets one."""
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(b"GET /2 HTTP/1.1\r\nHost: bench.example\r\nConnection: close\r\n\r\n")
        response = b""
        while b"\r\n\r\n" not in response and (part := client.recv(65536)):
            response += part
    found = re.search(rb"(?i)set-cookie: ([^;\r]+)", response)
    return found.group(1).decode() if found else "none=1"
