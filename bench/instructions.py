"""Where a request's instructions go: callgrind's counts, which do not depend on the machine's mood.

Counts user code alone, what the kernel does is not seen. See bench/README.md.
"""

import argparse
import re
import subprocess

import proxies
import throughput

OUT = proxies.ROOT / "build" / "bench" / "instructions"
PORT = 7280
# The first that is found in a line "file:function [object]" of callgrind's says what it is for.
PARTS = [
    ("libevent, from epoll_wait to our callback", r"libevent|event_base|evmap|epoll_dispatch"),
    ("around the system calls", r"net::TcpStream::(send|read|write)|\b(recv|send|epoll_wait|recvmsg|sendmsg|writev|readv)\b"),
    ("libc: memchr, memcpy, memcmp, memset", r"\blibc\.so|sysdeps|/string/"),
    ("who is it: cookie found, opened, looked up in the map, placed",
     r"holdfast::sessions::|[Cc]ookie|identify|Placement|Identity|chacha|poly|aead|libsodium"),
    ("both heads written", r"append_|HeadWriter|LineRun|detail::put|proxy/(head_text|forward_headers|response_headers)"),
    ("both heads parsed, strictly", r"holdfast::http::"),
    ("the exchange's own steps: start, choose, take a connection, relay, count, finish; timers", r""),
]


def count(program, workload, seconds):
    """(requests, callgrind's table) of a run of one worker."""
    OUT.mkdir(parents=True, exist_ok=True)
    config = proxies.holdfast_config(OUT, "holdfast", PORT, 1)
    table = OUT / "callgrind.out"
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={table}", "--instr-atstart=no", program, "-c", config]
    backend = proxies.backend(OUT, throughput.LOAD_CPU)
    try:
        proxy = proxies.Process("holdfast", valgrind, PORT, "0", OUT)
        try:
            switch = lambda word: subprocess.run(["callgrind_control", "-i", word, str(proxy.process.pid)], check=True,
                                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            throughput.run_wrk(workload, PORT, seconds, OUT)  # pools, buffers and maps have grown
            switch("on")
            requests = throughput.run_wrk(workload, PORT, seconds, OUT)
            switch("off")
        finally:
            proxy.stop()
    finally:
        backend.stop()
    return requests, subprocess.run(["callgrind_annotate", "--auto=no", "--threshold=100", table], capture_output=True, text=True,
                                    check=True).stdout


def by_function(text):
    """[(instructions, "file:function [object]")], most first."""
    lines = (re.match(r" *([\d,]+) \( *[\d.]+%\)  (.*:.*)", line) for line in text.splitlines())
    return [(int(line[1].replace(",", "")), line[2]) for line in lines if line]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="small", choices=[w.name for w in throughput.WORKLOADS if not w.variants])
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--program", default=proxies.BUILD / "holdfast")
    parser.add_argument("--functions", type=int, default=0, metavar="N", help="print the N largest functions, too")
    options = parser.parse_args()
    workload = next(w for w in throughput.WORKLOADS if w.name == options.only)
    requests, text = count(options.program, workload, options.seconds)
    functions = by_function(text)
    parts = dict.fromkeys((name for name, _ in PARTS), 0)
    for instructions, where in functions:
        parts[next(name for name, pattern in PARTS if re.search(pattern, where))] += instructions
    print(f"| instructions a request ({workload.title}) | for |\n|---|---|")
    for name, instructions in sorted(parts.items(), key=lambda part: -part[1]):
        print(f"| {instructions / requests:,.0f} | {name} |")
    print(f"| {sum(parts.values()) / requests:,.0f} | all of them, of {requests} requests |")
    for instructions, where in functions[:options.functions]:
        print(f"{instructions / requests:8.1f}  {where[:120]}")


if __name__ == "__main__":
    main()
