"""What open status pages cost: p99 of requests with ten pages and without, the control thread's CPU, bytes a page.

Rounds of three runs: without, with pages, without again. The second beside the mean of its neighbours is the result,
the last beside the first the noise it stands in. Several programs are measured in turn. See docs/status-page.md.
"""

import argparse
import json
import math
import multiprocessing
import os
import pathlib
import selectors
import socket
import statistics
import subprocess
import time

import proxies

OUT = proxies.ROOT / "build" / "bench" / "page"
BACKENDS, RATE, CONNECTIONS = 200, 10_000, 64
FIRST_BACKEND, FIRST_PORT = 21000, 7290
LOAD_CPU = "1"


def calm(cpus):
    """All of it comes before other programs; load and backends before what else is on their CPU, if that is not us."""
    try:
        pathlib.Path("/proc/self/autogroup").write_text("-19\n", encoding="ascii")
    except OSError:
        pass
    return ["chrt", "-f", "10"] if os.geteuid() == 0 and LOAD_CPU not in cpus else []


def start(program, number, cpus):
    port, directory = FIRST_PORT + 10 * number, OUT / str(number)
    directory.mkdir(parents=True, exist_ok=True)
    lines = [f'[server]\nworkers = 1\nstate_dir = "{directory}"\nlog = {{ level = "warn" }}',
             f'[[listen]]\naddress = "127.0.0.1:{port}"\n[admin]\naddress = "127.0.0.1:{port + 1}"',
             '[pools.app.probe]\npath = "/2"']
    for i in range(BACKENDS):
        lines.append(f'[[pools.app.backends]]\nname = "app{i}"\naddress = "127.0.0.1:{FIRST_BACKEND + i}"')
    config = proxies.write(directory, "holdfast.toml", "\n".join(lines) + "\n")
    return proxies.Process(f"holdfast{number}", [program, "-c", config], port, cpus, directory)


def read_pages(port, count, taken):
    """As `count` browsers would, but with no CPU of its own while anybody else wants it."""
    os.sched_setaffinity(0, {int(LOAD_CPU)})
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    selector = selectors.DefaultSelector()
    for _ in range(count):
        page = socket.create_connection(("127.0.0.1", port))
        page.sendall(b"GET /api/v1/events?status=1 HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        selector.register(page, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            taken.value += len(key.fileobj.recv(1 << 20))


def control_seconds(proxy):
    """The first thread of the process is the control loop's."""
    pid = proxy.process.pid
    return int(pathlib.Path(f"/proc/{pid}/task/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


def run(proxy, calm_words, seconds, pages):
    taken = multiprocessing.Value("q", 0)
    reader = multiprocessing.Process(target=read_pages, args=(proxy.port + 1, pages, taken), daemon=True)
    if pages:
        reader.start()
    time.sleep(1.5)  # the whole status has been sent
    before, cpu, began = taken.value, control_seconds(proxy), time.monotonic()
    text = subprocess.run([*calm_words, "taskset", "-c", LOAD_CPU, str(proxies.BUILD / "bench_open_loop"), "--port",
                           str(proxy.port), "--rate", str(RATE), "--seconds", str(seconds), "--connections",
                           str(CONNECTIONS)], capture_output=True, text=True, check=True).stdout
    took = time.monotonic() - began
    result = {"p99_us": json.loads(text)["p99_us"], "control_percent": 100 * (control_seconds(proxy) - cpu) / took}
    if pages:
        result["bytes_a_minute"] = 60 * (taken.value - before) / took / pages
        reader.terminate()
        reader.join()
    return result


def spread(values):
    ordered = sorted(values)
    text = f"{statistics.median(ordered):.2f} ({ordered[len(ordered) // 4]:.2f}-{ordered[-1 - len(ordered) // 4]:.2f})"
    # The median's 95 % interval by ranks: how many of n values lie below it is binomial, whatever their distribution.
    rank = math.floor((len(ordered) - 1.96 * len(ordered) ** 0.5) / 2)
    return text + (f", 95 %: {ordered[rank]:.3f}-{ordered[-1 - rank]:.3f}" if rank >= 0 else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--pages", type=int, default=10)
    parser.add_argument("--cpus", default="0", help="the proxy's; load and backends have CPU 1")
    parser.add_argument("--programs", nargs="+", default=[str(proxies.BUILD / "holdfast")])
    options = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    calm_words = calm(options.cpus)
    ports = [FIRST_BACKEND + i for i in range(BACKENDS)]
    running = [proxies.Process("backend", [*calm_words, proxies.BUILD / "bench_backend", *ports], ports[-1], LOAD_CPU, OUT)]
    try:
        tested = []
        for number, program in enumerate(options.programs):
            tested.append(start(program, number, options.cpus))
            running.append(tested[-1])
        for proxy in tested:
            run(proxy, calm_words, 100_000 / RATE, 0)  # each request is a new session
        found = {proxy.port: [] for proxy in tested}
        for _ in range(options.rounds):
            for proxy in tested:
                found[proxy.port].append([run(proxy, calm_words, options.seconds, pages)
                                          for pages in (0, options.pages, 0)])
        for program, proxy in zip(options.programs, tested):
            rounds = found[proxy.port]
            middle = lambda at, key: statistics.median(each[at][key] for each in rounds)
            print(f"{program}: {options.pages} pages, {BACKENDS} backends, CPU {options.cpus}, {len(rounds)} rounds")
            print(f"  p99 without {middle(0, 'p99_us'):.0f} us, with {middle(1, 'p99_us'):.0f} us,"
                  f" without again {middle(2, 'p99_us'):.0f} us")
            print("  with / without   ", spread(2 * r[1]["p99_us"] / (r[0]["p99_us"] + r[2]["p99_us"]) for r in rounds))
            print("  without / without", spread(r[2]["p99_us"] / r[0]["p99_us"] for r in rounds))
            print(f"  control thread {middle(1, 'control_percent'):.1f} % of a CPU, without pages"
                  f" {middle(0, 'control_percent'):.1f} %; {middle(1, 'bytes_a_minute') / 1000:.0f} kB a minute each")
    finally:
        for process in reversed(running):
            process.stop()


if __name__ == "__main__":
    main()
