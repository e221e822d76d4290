#!/usr/bin/env python3
"""clang-tidy over the files named, and over nothing that it has already passed.

usage: tools/tidy.py FILE...

A file that passed leaves a stamp in the user's cache ($XDG_CACHE_HOME or ~/.cache, holdfast/tidy). The stamp is a hash
of everything the result depends on: the contents of the file and of each header it includes, system headers too, the
compiler's flags, .clang-tidy, the version of clang-tidy and the plugin that keeps it out of system headers
(tools/tidy_scope.cc). A new machine pays in full, a changed file always.

The plugin is built when it is needed, and trusted only after clang-tidy with it has found exactly what the files in
tests/tidy say it must find.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "holdfast" / "tidy"
BUILDS = ("asan", "fuzz", "release")  # the first that knows how to compile a file says how
PLUGIN = ROOT / "tools" / "tidy_scope.cc"
FAULTS = ROOT / "tests" / "tidy"
KEPT_SECONDS = 60 * 24 * 3600
QUIET_SECONDS = 5  # a line of progress at most this often
INCLUDED = re.compile(r"^\.+ (.*)$", re.MULTILINE)  # what -H prints
FOUND = re.compile(r"^(/\S+):(\d+):\d+: (?:warning|error): .*\[([^\],]+)[^\]]*\]$", re.MULTILINE)
NOISE = re.compile(r"^(\d+ (warnings?|errors?).*generated|Suppressed |Use -|Multiple include guards|\S+\.h\w*$)")


def command_lines():
    """File -> (build folder, its compile command)."""
    known = {}
    for build in BUILDS:
        listing = ROOT / "build" / build / "compile_commands.json"
        if not listing.exists():
            continue
        for entry in json.loads(listing.read_text()):
            known.setdefault(os.path.relpath(entry["file"], ROOT), (build, entry["command"]))
    return known


class Contents:
    """Hashes of files, each read once."""

    def __init__(self):
        self._hashes = {}

    def hash_of(self, path):
        if path not in self._hashes:
            try:
                self._hashes[path] = hashlib.sha256((ROOT / path).read_bytes()).hexdigest()
            except OSError:
                self._hashes[path] = "missing"
        return self._hashes[path]

    def hash_of_all(self, paths):
        return hashlib.sha256("\n".join(f"{p} {self.hash_of(p)}" for p in sorted(paths)).encode()).hexdigest()


class Stamps:
    """What passed, by file and flags (the key) and by contents."""

    def __init__(self, common):
        self._common = common
        self._contents = Contents()

    def key(self, file, command):
        flags = " ".join(word for word in shlex.split(command) if not word.endswith("ccache")).replace(str(ROOT), ".")
        return hashlib.sha256("\n".join((self._common, file, flags)).encode()).hexdigest()[:32]

    def has_passed(self, key):
        try:
            needed = (CACHE / f"{key}.needs").read_text().splitlines()
            stamp = self._stamp(key, needed)
            os.utime(stamp)
            os.utime(CACHE / f"{key}.needs")
            return True
        except OSError:
            return False

    def keep(self, key, needed):
        (CACHE / f"{key}.needs").write_text("\n".join(needed))
        self._stamp(key, needed).touch()

    def forget_old(self):
        oldest = time.time() - KEPT_SECONDS
        for path in CACHE.iterdir():
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)

    def _stamp(self, key, needed):
        return CACHE / f"{key}.{self._contents.hash_of_all(needed)[:32]}.passed"


def wanted_faults():
    """What the comments of the files in tests/tidy say clang-tidy must find: (file, line, check)."""
    return {(str(path), number, check) for path in FAULTS.iterdir()
            for number, line in enumerate(path.read_text().splitlines(), 1) if "  // finds: " in line
            for check in line.partition("  // finds: ")[2].split()}


def proven_plugin(version, common):
    """The plugin, built if it is not there. Ends the program where it does not build, or the findings are not exact."""
    faults = sorted(FAULTS.iterdir())
    parts = [common] + [path.read_text() for path in faults]
    plugin = CACHE / f"scope-{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:32]}.so"
    if plugin.exists():
        os.utime(plugin)
        return plugin
    major = re.search(r"version (\d+)", version)[1]
    built = plugin.with_suffix(f".{os.getpid()}.so")
    done = subprocess.run(["clang++", "-std=c++17", "-fno-rtti", "-O1", "-shared", "-fPIC", "-isystem",
                           f"/usr/lib/llvm-{major}/include", str(PLUGIN), "-o", str(built)],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{done.stderr}\ntools/tidy_scope.cc does not build, and without it clang-tidy is slow. It "
                 f"needs libclang-{major}-dev and llvm-{major}-dev; ./dev deps check installs those for version 14.")
    found = set()
    for file in faults:
        if file.suffix == ".cc":
            said = subprocess.run(
                ["clang-tidy", f"--load={built}", "--quiet", str(file), "--", "-std=c++20", f"-I{ROOT}"],
                cwd=ROOT, capture_output=True, text=True, check=False).stdout
            found.update((os.path.normpath(path), int(line), check) for path, line, check in FOUND.findall(said))
    wrong = sorted(wanted_faults() ^ found)
    if wrong:
        built.unlink()
        sys.exit("clang-tidy must find exactly the faults that tests/tidy names, with the plugin too. These differ:\n" +
                 "\n".join(f"{path}:{line} {check}: {'found' if (path, line, check) in found else 'not found'}"
                           for path, line, check in wrong))
    built.rename(plugin)
    return plugin


def look_at(file, build, plugin):
    """Runs clang-tidy; returns (passed, what it said, the files that the result depends on)."""
    done = subprocess.run(
        ["clang-tidy", f"--load={plugin}", "-p", f"build/{build}", "--quiet",
         "--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-H", file],
        cwd=ROOT, capture_output=True, text=True, check=False)
    needed = {file}
    for path in INCLUDED.findall(done.stderr):
        absolute = os.path.normpath(os.path.join(ROOT, path))
        inside = absolute.startswith(f"{ROOT}{os.sep}")
        needed.add(os.path.relpath(absolute, ROOT) if inside else absolute)
    complaints = [line for line in done.stderr.splitlines() if not INCLUDED.match(line) and not NOISE.match(line)]
    return done.returncode == 0, done.stdout + "\n".join(complaints), sorted(needed)


class Progress:
    def __init__(self, total):
        self._total, self._done, self._said, self._began = total, 0, 0.0, time.monotonic()
        self._lock = threading.Lock()

    def finished(self, file, passed, text):
        with self._lock:
            self._done += 1
            now = time.monotonic()
            if not passed:
                print(f"[{self._done}/{self._total}] FAILED {file}\n{text.strip()}", flush=True)
            elif now - self._said > QUIET_SECONDS or self._done == self._total:
                self._said = now
                print(f"[{self._done}/{self._total}] {file} ({now - self._began:.0f} s)", flush=True)


def main(files):
    known = command_lines()
    CACHE.mkdir(parents=True, exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True, check=True).stdout
    common = version + (ROOT / ".clang-tidy").read_text() + PLUGIN.read_text()
    plugin = proven_plugin(version, common)
    stamps = Stamps(common)
    files = [f for f in (os.path.relpath(os.path.abspath(f), ROOT) for f in files) if f.endswith(".cpp")]
    strangers = [f for f in files if f not in known]
    for file in strangers:
        print(f"{file}: no build compiles it, so clang-tidy cannot look at it")
    keys = {file: stamps.key(file, known[file][1]) for file in files if file in known}
    due = [file for file, key in keys.items() if not stamps.has_passed(key)]
    print(f"{len(keys) - len(due)} files have passed as they are, {len(due)} to look at", flush=True)
    due.sort(key=lambda file: -(ROOT / file).stat().st_size)  # a long one last would leave a core idle
    progress = Progress(len(due))
    failed = []

    def check(file):
        passed, text, needed = look_at(file, known[file][0], plugin)
        if passed:
            stamps.keep(keys[file], needed)
        else:
            failed.append(file)
        progress.finished(file, passed, text)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for task in [pool.submit(check, file) for file in due]:
            task.result()
    stamps.forget_old()
    if failed:
        print(f"clang-tidy found something in {len(failed)} files: {' '.join(sorted(failed))}")
    return 1 if failed or strangers else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
