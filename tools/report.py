#!/usr/bin/env python3
"""The end of a check: minutes of each step, what did not run here, flaky tests, and one line that counts.

usage: tools/report.py RESULTS [NOTES...]

RESULTS has a line of JSON for each step (./dev) and each test (tools/run_tests.py). NOTES are what the tests noted.
Exits 1 if a step or a test failed, was cut off or was left out.
"""
import json
import pathlib
import sys

OUTPUT_LINES_MAX = 200


def table_of_minutes(steps):
    print("\n== minutes")
    total = 0.0
    for step in steps.values():
        total += step["seconds"]
        verdict = "" if step["verdict"] == "passed" else f"  {step['verdict'].upper()}"
        print(f"   {step['seconds'] / 60:6.1f}  {step['step']}{verdict}")
    print(f"   {total / 60:6.1f}  in all")


def main(results, notes):
    rows = [json.loads(line) for line in pathlib.Path(results).read_text(encoding="utf-8").splitlines()]
    steps, tests = {}, []
    for row in rows:
        if "step" in row:
            steps[row["step"]] = row  # the last word counts: begun, then passed or failed
        else:
            tests.append(row)
    for step in steps.values():
        if step["verdict"] == "begun":
            step["verdict"] = "cut off"
    table_of_minutes(steps)
    for path in map(pathlib.Path, notes):
        not_run = sorted({line for line in path.read_text().splitlines() if "NOT RUN HERE" in line}) if path.exists() else []
        if not_run:
            print(f"\n== not run here ({path.parent.name} build)\n" + "\n".join(not_run))
    bad_steps = [step for step in steps.values() if step["verdict"] != "passed"]
    broken = [test for test in tests if test["verdict"] == "failed"]
    flaky = [test for test in tests if test["verdict"] == "flaky"]
    if bad_steps or broken:
        print("\n== failed")
        for step in bad_steps:
            print(f"   {step['verdict']}: {step['step']}")
        for test in broken:
            print(f"   broken: {test['test']} ({test['build']})")
    for test in flaky:
        lines = test["output"].strip().splitlines()
        print(f"\nflaky: {test['test']} ({test['build']}); its first output:")
        print("\n".join("   " + line for line in lines[-OUTPUT_LINES_MAX:]))
    # A step of tests is counted by its tests, unless something besides them was wrong.
    counted = [s for s in steps.values() if not s.get("tests") or s["verdict"] != "passed"]
    passed = len(tests) - len(broken) + sum(s["verdict"] == "passed" for s in counted)
    failed = len(broken) + len(bad_steps)
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
