"""Throughput beside the peers: CPU time per request as ratios, medians of interleaved rounds, and what goes with it.

See bench/README.md for the method. Results go to build/bench/throughput.{json,md,svg}.
"""

import argparse
import json
import os
import pathlib
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import time

import plot
import proxies

OUT = proxies.ROOT / "build" / "bench" / "throughput"
PROXY_CPU, LOAD_CPU = "0", "1"
WORKER_SHARE = 0.15
PORTS = {"floor": 7000, "nginx": 7001, "haproxy": 7002, "holdfast": 7003}

CLOSE = 'wrk.headers["Connection"] = "close"\n'
POST = 'wrk.method = "POST"\nwrk.body = string.rep("x", 65536)\n'


class Workload:
    """One kind of load. `path`, `script` and `connections` shape wrk; `peers` says beside whom it runs."""

    def __init__(self, name, title, path="/100", script="", connections=64, peers=("floor", "nginx", "haproxy"),
                 cookie=True, variants=()):
        self.name, self.title, self.path, self.script = name, title, path, script
        self.connections, self.peers, self.cookie, self.variants = connections, peers, cookie, variants


WORKLOADS = [
    Workload("small", "small GET, keep-alive"),
    Workload("16k", "16 KiB response, keep-alive", path="/16384"),
    Workload("1m", "1 MiB response, keep-alive", path="/1048576", connections=16),
    Workload("post", "64 KiB POST, keep-alive", script=POST, peers=("nginx", "haproxy")),
    Workload("close", "connection closed after each request", script=CLOSE, peers=("nginx", "haproxy")),
    Workload("new", "new session each request", cookie=False, peers=()),
    Workload("log", "access log on", peers=("nginx",), variants=("log",)),
    Workload("idle", "10,000 idle connections beside", peers=(), variants=("idle",)),
    Workload("pools", "100 pools x 50 backends configured", peers=(), variants=("pools",)),
    Workload("sessions", "1,000,000 sessions in the map", peers=(), variants=("sessions",)),
]


def run_wrk(workload, port, seconds, directory):
    command = ["taskset", "-c", LOAD_CPU, "wrk", "-t1", f"-c{workload.connections}", f"-d{seconds}s",
               "-H", "Host: bench.example"]
    if workload.cookie:
        command += ["-H", f"Cookie: {proxies.sticky_cookie(port)}"]
    if workload.script:
        command += ["-s", str(proxies.write(directory, f"{workload.name}.lua", workload.script))]
    text = subprocess.run([*command, f"http://127.0.0.1:{port}{workload.path}"], capture_output=True, text=True,
                          check=True).stdout
    requests = int(re.search(r"(\d+) requests in", text).group(1))
    if re.search(r"Non-2xx|Socket errors", text):
        raise RuntimeError(f"{workload.name} on port {port} met errors:\n{text}")
    return requests


def measure(process, workload, seconds, directory):
    before = process.cpu_seconds()
    requests = run_wrk(workload, process.port, seconds, directory)
    return {"us": (process.cpu_seconds() - before) / requests * 1e6, "rps": requests / seconds}


class IdleCrowd:
    """Connections that have been used once and are kept open."""

    def __init__(self, port, count):
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        self.sockets = []
        request = f"GET /2 HTTP/1.1\r\nHost: bench.example\r\nCookie: {proxies.sticky_cookie(port)}\r\n\r\n".encode()
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", port), 5)
            client.sendall(request)
            client.recv(4096)
            self.sockets.append(client)

    def close(self):
        for client in self.sockets:
            client.close()


def fill_sessions(port, count):
    """Requests without a cookie make a session each."""
    lua = Workload("fill", "", cookie=False)
    made = 0
    while made < count:
        made += run_wrk(lua, port, 5, OUT)
        print(f"  {min(made, count):,} of {count:,} sessions", flush=True)


def start_variant(variant):
    """The same proxy with one thing different, on a port of its own."""
    port = 7010
    if variant == "log":
        return proxies.holdfast(OUT, PROXY_CPU, port, name="holdfast-log", log=True), None
    if variant == "pools":
        return proxies.holdfast(OUT, PROXY_CPU, port, name="holdfast-pools", more_pools=100, backends_each=50), None
    process = proxies.holdfast(OUT, PROXY_CPU, port, name=f"holdfast-{variant}", sessions_max=1_100_000)
    if variant == "sessions":
        fill_sessions(port, 1_000_000)
        return process, None
    return process, IdleCrowd(port, 10_000)


def run_rounds(workload, running, rounds, seconds):
    """One after the other, again and again: what disturbs the machine disturbs all alike."""
    results = {name: [] for name in running}
    for round_number in range(rounds):
        for name, process in running.items():
            results[name].append(measure(process, workload, seconds, OUT))
            if sys.stdout.isatty():
                print(f"\r  round {round_number + 1}/{rounds} {name:12}", end="", flush=True)
    if sys.stdout.isatty():
        print()
    return results


def summarise(results, base="holdfast"):
    """Medians, and ratios taken within each round, with the middle half of them."""
    summary = {}
    for name, rows in results.items():
        ratios = [mine["us"] / row["us"] for mine, row in zip(results[base], rows)]
        ordered = sorted(ratios)
        summary[name] = {"us": statistics.median(r["us"] for r in rows), "rps": statistics.median(r["rps"] for r in rows),
                         "ratio": statistics.median(ratios), "ratio_low": ordered[len(ordered) // 4],
                         "ratio_high": ordered[-1 - len(ordered) // 4]}
    return summary


def say(summary):
    """One line per proxy, as soon as it is known."""
    for name, row in summary.items():
        print(f"    {name:9} {row['us']:8.1f} us  {row['rps']:9,.0f}/s   ours / it {row['ratio']:.3f} "
              f"({row['ratio_low']:.3f}-{row['ratio_high']:.3f})", flush=True)


def syscalls_per_request(process, workload):
    """strace -c over a short run, without the shared wait."""
    pids = [arg for pid in process.pids() for arg in ("-p", str(pid))]
    path = OUT / f"{process.name}.strace"
    tracer = subprocess.Popen(["strace", "-c", "-f", "-o", path, *pids], stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    requests = run_wrk(workload, process.port, 2, OUT)
    tracer.send_signal(2)
    tracer.wait()
    calls = 0
    for line in path.read_text().splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[3].isdigit() and fields[-1] not in ("epoll_wait", "total"):
            calls += int(fields[3])
    return calls / requests


def latency(process, rate, seconds, connections=64):
    command = ["taskset", "-c", LOAD_CPU, str(proxies.BUILD / "bench_open_loop"), "--port", str(process.port),
               "--rate", str(int(rate)), "--seconds", str(seconds), "--connections", str(connections), "--header",
               f"Cookie: {proxies.sticky_cookie(process.port)}"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def bytes_per_connection(process, count=5000):
    before = process.resident_bytes()
    crowd = IdleCrowd(process.port, count)
    grown = process.resident_bytes() - before
    crowd.close()
    return grown / count


def hold_to_share(process, workers):
    """Each worker's thread gets WORKER_SHARE of a CPU and no more (SCHED_DEADLINE, sched(7)): the rest is the load's."""
    run_wrk(WORKLOADS[0], process.port, 1, OUT)
    tasks = pathlib.Path(f"/proc/{process.process.pid}/task")
    ran = lambda task: int((task / "schedstat").read_text(encoding="ascii").split()[0])
    for task in sorted(tasks.iterdir(), key=ran)[-workers:]:
        period = 10_000_000
        subprocess.run(["chrt", "-d", "-T", str(int(WORKER_SHARE * period)), "-P", str(period), "-D", str(period),
                        "-p", "0", task.name], check=True)


def two_workers(seconds, rounds):
    """Requests of one worker and of two, each with the same share of a CPU: on two CPUs the load leaves no whole one."""
    rows = []
    for _ in range(rounds):
        row = {}
        for workers in (1, 2):
            process = proxies.holdfast(OUT, f"0-{os.cpu_count() - 1}", 7011, workers=workers, name=f"holdfast-{workers}w")
            try:
                hold_to_share(process, workers)
                row[workers] = measure(process, WORKLOADS[0], seconds, OUT)
            except subprocess.CalledProcessError:
                print("two workers: not measured; to hold them to a share of a CPU needs root and chrt -d")
                return []
            finally:
                process.stop()
        rows.append(row)
    return rows


def workers_text(rows):
    ratios = sorted(row[2]["rps"] / row[1]["rps"] for row in rows)
    each = statistics.median(row[1]["rps"] for row in rows)
    return (f"Two workers, each held to {WORKER_SHARE:.0%} of a CPU, carry {statistics.median(ratios):.2f}x "
            f"({ratios[len(ratios) // 4]:.2f}-{ratios[-1 - len(ratios) // 4]:.2f}) the requests of one ({each:,.0f}/s).")


def versions():
    def first_line(*command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return (done.stdout + done.stderr).splitlines()[0].strip()
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return {"holdfast": first_line(str(proxies.BUILD / "holdfast"), "-V"), "nginx": first_line("nginx", "-v"),
            "haproxy": first_line("haproxy", "-v"), "wrk": first_line("wrk", "-v"),
            "kernel": first_line("uname", "-r"), "cpu": cpu.group(1) if cpu else "unknown"}


def table(report):
    lines = ["| work | Holdfast | floor | nginx | HAProxy | ours / floor | ours / nginx | ours / HAProxy |",
             "|---|---|---|---|---|---|---|---|"]
    for entry in report["workloads"]:
        row = entry["summary"]
        cell = lambda name: f"{row[name]['us']:.1f} us" if name in row else ""
        ratio = lambda name: (f"{row[name]['ratio']:.2f} ({row[name]['ratio_low']:.2f}-{row[name]['ratio_high']:.2f})"
                              if name in row else "")
        lines.append(f"| {entry['title']} | {cell('holdfast')} | {cell('floor')} | {cell('nginx')} | {cell('haproxy')} | "
                     f"{ratio('floor')} | {ratio('nginx')} | {ratio('haproxy')} |")
    if report["variants"]:
        lines += ["", "Against Holdfast's own plain small GET, in the same rounds:", "", "| variant | CPU per request | ratio |",
                  "|---|---|---|"]
    for entry in report["variants"]:
        row = entry["summary"]["variant"]
        lines.append(f"| {entry['title']} | {row['us']:.1f} us | {1 / row['ratio']:.3f} "
                     f"({1 / row['ratio_high']:.3f}-{1 / row['ratio_low']:.3f}) |")
    if "latency" in report:
        lines += ["", f"Open loop at {report['latency_rate']:,} requests/s (half of nginx's capacity here); memory of a client "
                  "connection that has been used and is idle:", "",
                  "| proxy | p50 | p99 | p99.9 | system calls per request | memory per connection |", "|---|---|---|---|---|---|"]
        for name, row in report["latency"].items():
            memory = f"{report['memory'][name]:,.0f} B" if name in report["memory"] else ""
            lines.append(f"| {name} | {row['p50_us']:.0f} us | {row['p99_us']:.0f} us | {row['p999_us']:.0f} us | "
                         f"{report['syscalls'].get(name, 0):.2f} | {memory} |")
    if report.get("two_workers"):
        lines += ["", workers_text(report["two_workers"])]
    return "\n".join(lines) + "\n"


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="two rounds of a second each")
    parser.add_argument("--only", nargs="*", help="of " + " ".join(w.name for w in WORKLOADS) + " latency workers")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 2, 1
    return options


def start_peers(started):
    """By name. What has started is in `started`, too, in case the next one does not."""
    running = {}
    for name, start in (("floor", proxies.floor), ("nginx", proxies.nginx), ("haproxy", proxies.haproxy),
                        ("holdfast", proxies.holdfast)):
        running[name] = start(OUT, PROXY_CPU, PORTS[name])
        started.append(running[name])
    return running


def run_variant(workload, running, started, options):
    """A holdfast that is configured otherwise, or asked otherwise, beside the plain one."""
    if workload.variants:
        variant, crowd = start_variant(workload.variants[0])
        started.append(variant)
        pair = {"holdfast": running["holdfast"], "variant": variant}
        results = run_rounds(WORKLOADS[0], pair, options.rounds, options.seconds)
        if crowd:
            crowd.close()
        variant.stop()
        started.remove(variant)
        return results
    results = {"holdfast": [], "variant": []}
    for _ in range(options.rounds):
        results["holdfast"].append(measure(running["holdfast"], WORKLOADS[0], options.seconds, OUT))
        results["variant"].append(measure(running["holdfast"], workload, options.seconds, OUT))
    return results


def run_workload(workload, running, started, options, report):
    print(workload.title)
    if workload.variants or workload.name == "new":
        kind, results = "variants", run_variant(workload, running, started, options)
    else:
        these = {name: running[name] for name in ("holdfast", *workload.peers)}
        kind, results = "workloads", run_rounds(workload, these, options.rounds, options.seconds)
    summary = summarise(results)
    report[kind].append({"name": workload.name, "title": workload.title, "raw": results, "summary": summary})
    say(summary)


def run_latency(running, options, report):
    print("latency, memory and system calls")
    capacity = statistics.median(measure(running["nginx"], WORKLOADS[0], options.seconds, OUT)["rps"] for _ in range(2))
    report["latency_rate"] = int(capacity / 2)
    best = {}
    for _ in range(options.rounds):
        for name in ("floor", "nginx", "haproxy", "holdfast"):
            best.setdefault(name, []).append(latency(running[name], report["latency_rate"], options.seconds))
    report["latency"] = {name: {key: statistics.median(row[key] for row in rows)
                                for key in ("p50_us", "p99_us", "p999_us")} for name, rows in best.items()}
    report["memory"] = {name: bytes_per_connection(running[name]) for name in ("nginx", "haproxy", "holdfast")}
    report["syscalls"] = {name: syscalls_per_request(running[name], WORKLOADS[0]) for name in running}


def write(report):
    OUT.with_suffix(".json").write_text(json.dumps(report, indent=1))
    text = table(report)
    OUT.with_suffix(".md").write_text(text)
    OUT.with_suffix(".svg").write_text(plot.bars(report["workloads"]))
    print("\n" + text)
    print(f"written: {OUT}.json, .md, .svg")


def main():
    options = read_options()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    started = [proxies.backend(OUT, LOAD_CPU)]
    report = {"versions": versions(), "rounds": options.rounds, "seconds": options.seconds, "workloads": [], "variants": []}
    try:
        running = start_peers(started)
        for workload in WORKLOADS:
            if not options.only or workload.name in options.only:
                run_workload(workload, running, started, options, report)
        if not options.only or "latency" in options.only:
            run_latency(running, options, report)
        if not options.only or "workers" in options.only:
            print("two workers")
            report["two_workers"] = two_workers(max(options.seconds, 3), options.rounds)
    finally:
        for process in reversed(started):
            process.stop()
    write(report)


if __name__ == "__main__":
    sys.exit(main())
