"""Failover beside the peers: what users meet when a backend, a proxy or Redis fails. The method is in docs/failover.md.

Results go to build/bench/failover.{json,md,svg}. Ends with 1 if Holdfast has broken a promise (bench/judge.py).
"""

import argparse
import csv
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import threading
import time

import faults
import judge
import report as tables
import contenders
import timeline
from stage import BUILD, ROOT, NetNamespace, Stage

OUT = ROOT / "build" / "bench" / "failover"
POISON_RELOADS, POISON_PAUSE = 7, 0.7
TRIES, STALL_MAX_MS = 4, 200


class Plan:
    """How many users, for how long; seconds."""

    def __init__(self, options):
        quick = options.quick
        self.users = options.users or (200 if quick else 500)
        self.before = 5 if quick else 10     # users log in during the first half
        self.after = 9 if quick else 40
        self.back = 6 if quick else 25       # when what ends, ends
        self.patience = 8 if quick else 35   # then a user gives up
        self.think = 2.0                     # mean time between two clicks
        self.seed = options.seed


def schedule(plan, poison):
    """Lines of (microseconds, user, method, path): the same for each proxy. Each tenth user comes after the fault."""
    chance = random.Random(plan.seed)
    end = plan.before + plan.after
    rows = []
    for user in range(plan.users):
        late = user % 10 == 9
        at = plan.before + chance.uniform(0, plan.after / 2) if late else chance.uniform(0, plan.before / 2)
        rows.append((at, user, "POST", "/login"))
        at += chance.uniform(0.2, plan.think)
        while at < end:
            if chance.random() < 0.4:
                rows.append((at, user, "POST", "/order"))
            else:
                rows += [(at + 0.005 * part, user, "GET", f"/page/{part}") for part in range(3)]
            at += 0.2 + chance.expovariate(1 / (plan.think - 0.2))
    if poison:
        rows.append((1.0, plan.users, "POST", "/login"))
        rows += [(plan.before + POISON_PAUSE * n, plan.users, "POST", "/crash") for n in range(POISON_RELOADS + 1)]
    return "".join(f"{round(at * 1e6)} {user} {method} {path}\n" for at, user, method, path in sorted(rows))


class Watch(threading.Thread):
    """Asks the proxy again and again whether it has noticed that the victim is not well."""

    def __init__(self, contender, backend):
        super().__init__(daemon=True)
        self.contender, self.backend, self.detected_us, self.over = contender, backend, None, threading.Event()

    def run(self):
        while not self.over.wait(0.025):
            if self.contender.is_out(0, self.backend):
                self.detected_us = time.monotonic_ns() // 1000
                return


class Progress(threading.Thread):
    """What the users say each second, on a terminal."""

    def __init__(self, what, stream, last):
        super().__init__(daemon=True)
        self.what, self.stream, self.last, self.lag_us = what, stream, last, 0

    def run(self):
        for line in self.stream:
            at, done, open_now, errors, lag = line.split()
            self.lag_us = int(lag)
            if sys.stdout.isatty():
                print(f"\r  {self.what}: {at:>2} of {self.last} s, {done} responses, {open_now} open, {errors} failed   ",
                      end="", flush=True)


def sleep_until(us):
    time.sleep(max(0, us / 1e6 - time.monotonic()))


def act(actions, stage, contender, start_us, fault_us):
    """Does what the fault is made of, in time; gives when, in the schedule's time. Deeds may add to the list."""
    done = []
    while actions:
        after, action = actions.pop(0)
        sleep_until(start_us + fault_us + after * 1e6)
        done.append(time.monotonic_ns() // 1000 - start_us)
        action(stage, contender)
    return done


def read_rows(path):
    with open(path, encoding="utf-8") as file:
        return [{"user": int(r["user"]), "due": int(r["due_us"]), "start": int(r["start_us"]), "end": int(r["end_us"]),
                 "method": r["method"], "path": r["path"], "status": int(r["status"]), "backend": r["backend"], "id": r["id"],
                 "error": r["error"], "tries": int(r["tries"])} for r in csv.DictReader(file, delimiter="\t")]


def play(fault, contender_class, plan):
    """One fault, one proxy: builds the stage, lets the users in, does it, judges."""
    directory = OUT / f"{fault.name}-{contender_class.name.replace(' ', '-')}"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    plan_file = directory / "schedule"
    plan_file.write_text(schedule(plan, fault.name == "poison"), encoding="utf-8")
    stage = Stage(directory, fault.needs_namespace)
    try:
        contender = contender_class(stage)
        start_us = time.monotonic_ns() // 1000 + 300_000
        ports = [word for port in contender.ports for word in ("--port", str(port))]
        crowd = subprocess.Popen([BUILD / "bench_failover_users", "--schedule", plan_file, "--out", directory / "users.tsv",
                                  "--start-us", str(start_us), "--patience-us", str(int(plan.patience * 1e6)), *ports],
                                 stdout=subprocess.PIPE, text=True)
        progress = Progress(f"{fault.name}, {contender.name}", crowd.stdout, plan.before + plan.after)
        progress.start()
        watch = Watch(contender, stage.victim.name)
        fault_us = int(plan.before * 1e6)
        if fault.actions is None:
            actions = faults.drain_actions(contender, stage.victim.name, plan.back)
        else:
            actions = fault.actions(plan.back)
        sleep_until(start_us + fault_us - 10_000)
        if fault.victim == "backend":
            watch.start()
        done = act(actions, stage, contender, start_us, fault_us)
        crowd.wait()
        progress.join()
        watch.over.set()
        killed = sum(app.died_of_itself() for app in stage.apps)
        arrivals = [(at - start_us, *rest) for app in stage.apps for at, *rest in app.requests()]
    finally:
        stage.end()
    if crowd.returncode != 0:
        raise RuntimeError(f"the users ended with {crowd.returncode}")
    detected = watch.detected_us - start_us if watch.detected_us else None
    verdict = judge.judge(read_rows(directory / "users.tsv"), arrivals, done[0] if done else fault_us,
                          int((plan.before + plan.after) * 1e6), "app1" if fault.victim == "backend" else None, killed, detected,
                          impacts=done[:fault.impacts])
    return {**verdict, "machine_stalled_ms": progress.lag_us // 1000}


def play_undisturbed(fault, contender_class, plan):
    """Again where the machine itself stood still: then even the users were late, and nothing was measured."""
    best = None
    for _ in range(TRIES):
        verdict = play(fault, contender_class, plan)
        stalled = verdict["machine_stalled_ms"]
        if best is None or stalled < best["machine_stalled_ms"]:
            best = verdict
        if stalled <= STALL_MAX_MS:
            break
        print(f"  {contender_class.name:12} the machine stood still for {stalled} ms", flush=True)
    return best


def machine():
    def first_line(*command):
        if not shutil.which(command[0]):
            return f"no {command[0]}"
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
        return (done.stdout + done.stderr).splitlines()[0].strip()
    haproxy = re.search(r"version (\S+?)[-+ ]", first_line("haproxy", "-v") + " ")
    nginx = re.search(r"nginx/(\S+)", first_line("nginx", "-v"))
    count = len(re.findall(r"^processor", pathlib.Path("/proc/cpuinfo").read_text(), re.M))
    return (f"A virtual machine with {count} CPUs that also carries users and app servers; "
            f"{first_line(BUILD / 'holdfast', '-V')}, haproxy {haproxy.group(1) if haproxy else '?'}, "
            f"nginx {nginx.group(1) if nginx else '?'}.")


def write(report):
    """After each run: what is there is worth something, however the rest ends."""
    base = OUT.parent / "failover"
    base.with_suffix(".json").write_text(json.dumps(report, indent=1))
    base.with_suffix(".md").write_text(tables.summary(report) + "\n" + tables.table(report))
    runs = {(run["fault"], run["contender"]): run["verdict"] for run in report["runs"]}
    used = [fault for fault in report["faults"] if any(key[0] == fault for key in runs)]
    base.with_suffix(".svg").write_text(timeline.picture(runs, used, list(report["contenders"]), report["plan"]["after"] * 1000))


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="200 users, 9 s after each fault: about 25 minutes for all")
    parser.add_argument("--only", nargs="+", metavar="FAULT", choices=[f.name for f in faults.ALL],
                        help="of " + " ".join(f.name for f in faults.ALL))
    parser.add_argument("--proxies", nargs="+", metavar="PROXY", choices=[r.name.replace(" ", "-") for r in contenders.ALL],
                        help="of " + " ".join(r.name.replace(" ", "-") for r in contenders.ALL))
    parser.add_argument("--users", type=int, help="default 500, with --quick 200")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--render", type=pathlib.Path, metavar="JSON", help="only writes table and picture of an earlier run")
    return parser.parse_args()


def main():
    options = parse()
    if options.render:
        write(json.loads(options.render.read_text()))
        return 0
    plan = Plan(options)
    wanted = [f for f in faults.ALL if not options.only or f.name in options.only]
    running = [r for r in contenders.ALL if not options.proxies or r.name.replace(" ", "-") in options.proxies]
    if any(f.needs_namespace for f in wanted) and not NetNamespace.is_possible():
        print("blackhole is left out: it needs root and network namespaces")
        wanted = [f for f in wanted if not f.needs_namespace]
    OUT.mkdir(parents=True, exist_ok=True)
    report = {"plan": vars(plan), "machine": machine(), "contenders": {r.name: r.title for r in running},
              "faults": {f.name: f.title for f in wanted}, "runs": [], "broken": []}
    for fault in wanted:
        print(f"{fault.name}: {fault.title}", flush=True)
        for contender in running:
            if not fault.needs(contender):
                continue
            verdict = play_undisturbed(fault, contender, plan)
            report["runs"].append({"fault": fault.name, "contender": contender.name, "verdict": verdict})
            print(("\r" if sys.stdout.isatty() else "") + tables.line(contender.name, verdict), flush=True)
            if contender.name.startswith("holdfast"):
                report["broken"] += [f"{fault.name}, {contender.name}: {text}"
                                     for text in judge.broken_promises(fault.name, verdict)]
            write(report)
    print("\n" + tables.summary(report) + f"\nwritten: {OUT.parent}/failover.json, .md, .svg")
    for text in report["broken"]:
        print(f"promise broken: {text}")
    return 1 if report["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
