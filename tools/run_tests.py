#!/usr/bin/env python3
"""Runs the tests of a build folder: each test's time, a sign of life, and a second try that tells flaky from broken.

usage: tools/run_tests.py BUILD [ctest's arguments]

A test that fails is run once more, alone. If it fails again it is broken, and the exit code says so. If it passes it is
flaky: a fault to mend next. Its first output is kept in BUILD/flaky/ and shown at the end.

HOLDFAST_RESULTS names a file that gets one line of JSON for each test; tools/report.py reads it.
"""
import json
import os
import pathlib
import queue
import re
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as xml

ALIVE_SECONDS = 8
STARTED = re.compile(r"^\s*Start\s+\d+: (\S+)")
ENDED = re.compile(r"^\s*(\d+)/(\d+) Test\s+#\d+: (\S+) \.*\s*(.*?)\s+([\d.]+) sec")


def lines_of(process):
    """Yields the process' lines as they come, and None whenever it has been silent for a while."""
    lines = queue.Queue()

    def read():
        for line in process.stdout:
            lines.put(line.rstrip("\n"))
        lines.put(EOFError)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=ALIVE_SECONDS)
        except queue.Empty:
            yield None
            continue
        if line is EOFError:
            return
        yield line


def run_ctest(build, arguments):
    """One run of ctest, reported as it goes. Returns name -> (status, seconds, output)."""
    report = build / "tests.xml"
    report.unlink(missing_ok=True)
    process = subprocess.Popen(
        ["ctest", "--test-dir", str(build), "--no-tests=error", "--output-junit", str(report.resolve()), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    began, running, place, other = time.monotonic(), {}, "", []
    for line in lines_of(process):
        if line is None:
            names = ", ".join(f"{name} ({time.monotonic() - since:.0f} s)" for name, since in running.items())
            print(f"   ... {place} {time.monotonic() - began:.0f} s, running: {names or 'nothing yet'}", flush=True)
        elif started := STARTED.match(line):
            running[started[1]] = time.monotonic()
        elif ended := ENDED.match(line):
            done, total, name, verdict, seconds = ended.groups()
            running.pop(name, None)
            place = f"[{done}/{total}]"
            print(f"{place} {float(seconds):7.2f} s  {name}  {verdict.strip('*. ')}", flush=True)
        else:
            other.append(line)
    process.wait()
    if not report.exists():
        print("\n".join(other))
        sys.exit("ctest wrote no report")
    results = {}
    for case in xml.parse(report).iter("testcase"):
        output = case.findtext("system-out") or ""
        status = "passed" if case.get("status") == "run" else "failed"
        results[case.get("name")] = (status, float(case.get("time") or 0), output)
    return results


def judge(build, first):
    """Runs again what failed. Returns name -> (verdict, seconds, first output)."""
    verdicts = dict(first)
    kept = build / "flaky"
    for name, (status, seconds, output) in first.items():
        if status == "passed":
            continue
        print(f"\n-- {name} failed:\n{output.strip()}\n-- once more, alone:", flush=True)
        again = run_ctest(build, ["-R", f"^{re.escape(name)}$", "-j", "1"])
        if again.get(name, ("failed",))[0] == "passed":
            kept.mkdir(exist_ok=True)
            (kept / (name.replace("/", "_") + ".txt")).write_text(output)
            verdicts[name] = ("flaky", seconds, output)
        else:
            print(f"-- {name} failed again:\n{again.get(name, ('', 0, 'it did not run'))[2].strip()}")
    return verdicts


def main():
    build, arguments = pathlib.Path(sys.argv[1]), sys.argv[2:]
    verdicts = judge(build, run_ctest(build, arguments))
    if results := os.environ.get("HOLDFAST_RESULTS"):
        with open(results, "a", encoding="utf-8") as out:
            for name, (verdict, seconds, output) in verdicts.items():
                row = {"test": name, "build": build.name, "verdict": verdict, "seconds": seconds}
                print(json.dumps(row | ({"output": output} if verdict == "flaky" else {})), file=out)
    by_verdict = {v: [n for n, row in verdicts.items() if row[0] == v] for v in ("passed", "flaky", "failed")}
    for name in by_verdict["flaky"]:
        print(f"flaky: {name} (failed, then passed alone; its first output is in {build}/flaky/)")
    for name in by_verdict["failed"]:
        print(f"broken: {name} (failed twice)")
    print(f"{build.name}: {len(by_verdict['passed']) + len(by_verdict['flaky'])} of {len(verdicts)} tests passed, "
          f"{len(by_verdict['flaky'])} of them at the second try")
    return 1 if by_verdict["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
