"""What stands around the proxy in the failover benchmark: app servers, Redis servers, a network that can be cut."""

import os
import pathlib
import random
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"


def free_port():
    """Below the range the system takes for outgoing connections, so that nobody takes it while its server is dead."""
    while True:
        port = random.randint(20000, 29999)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))
                return port
            except OSError:
                continue


def await_true(what, is_so, seconds=10):
    """Asks until it is so; what is waited for has no event to offer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return
        time.sleep(0.02)
    raise RuntimeError(f"in vain: {what}")


def listens(port, host="127.0.0.1"):
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


class Program:
    """A process in a group of its own, its words in a file; ended by pid."""

    def __init__(self, name, command, directory, environment=None, stdin=subprocess.DEVNULL):
        self.name = name
        with open(directory / f"{name}.log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log, stdin=stdin,
                                            start_new_session=True, env={**os.environ, **(environment or {})})

    def is_alive(self):
        return self.process.poll() is None

    def signal(self, number):
        if self.is_alive():
            os.killpg(self.process.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()

    def end(self):
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.kill()
        if self.process.stdin:
            self.process.stdin.close()


class Redis:
    """A redis-server without a file, on a port and a unix socket."""

    def __init__(self, name, directory):
        self.name, self.directory, self.port = name, directory, free_port()
        self.socket = directory / f"{name}.sock"
        self.start()

    def start(self):
        self.program = Program(self.name, ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "",
                                           "--appendonly", "no", "--unixsocket", self.socket], self.directory)
        await_true(f"{self.name} listens", lambda: self.socket.exists() and listens(self.port))

    def signal(self, number):
        self.program.signal(number)

    def kill(self):
        self.program.kill()

    def end(self):
        self.program.end()


class NetNamespace:
    """A network namespace at the end of one cable, where packets can be made to vanish. Needs root and iproute2."""

    def __init__(self):
        number = os.getpid()
        self.name, self.cable = f"holdfast-bench-{number}", f"hfb{number}"
        base = f"10.{64 + number // 16384 % 64}.{number // 64 % 256}"
        self.outside, self.host = f"{base}.{number % 64 * 4 + 1}", f"{base}.{number % 64 * 4 + 2}"
        for line in (f"netns add {self.name}", f"link add {self.cable} type veth peer name {self.cable}x netns {self.name}",
                     f"addr add {self.outside}/30 dev {self.cable}", f"link set {self.cable} up",
                     f"-n {self.name} link set lo up", f"-n {self.name} addr add {self.host}/30 dev {self.cable}x",
                     f"-n {self.name} link set {self.cable}x up"):
            self.ip(line)

    @staticmethod
    def ip(line):
        subprocess.run(["ip", *line.split()], check=True, capture_output=True)

    @staticmethod
    def is_possible():
        if os.geteuid() != 0:
            return False
        try:
            NetNamespace().end()
            return True
        except (OSError, subprocess.CalledProcessError):
            return False

    def cut(self):
        """Nothing that is said inside reaches us any more; no RST, no ICMP."""
        self.ip(f"-n {self.name} route add blackhole {self.outside}/32")

    def restore(self):
        self.ip(f"-n {self.name} route del blackhole {self.outside}/32")

    def end(self):
        for line in (f"link del {self.cable}", f"netns del {self.name}"):
            subprocess.run(["ip", *line.split()], check=False, capture_output=True)


class App:
    """An app server that can be made ill."""

    def __init__(self, name, directory, redis, room=None):
        self.name, self.directory, self.redis, self.namespace = name, directory, redis, room
        self.host = room.host if room else "127.0.0.1"
        self.port = free_port()
        self.log = directory / f"{name}.requests"
        self.program = None
        self.was_ended = False  # by us: else it died of itself
        self.start()

    def start(self):
        inside = ["ip", "netns", "exec", self.namespace.name] if self.namespace else []
        self.program = Program(self.name, [*inside, BUILD / "bench_failover_app", "--name", self.name, "--host", self.host,
                                           "--port", self.port, "--redis", self.redis.socket, "--log", self.log],
                               self.directory, stdin=subprocess.PIPE)
        self.was_ended = False
        await_true(f"{self.name} listens", lambda: listens(self.port, self.host))

    def say(self, word):
        self.program.process.stdin.write(word.encode() + b"\n")
        self.program.process.stdin.flush()

    def signal(self, number):
        self.program.signal(number)

    def kill(self):
        self.was_ended = True
        self.program.kill()
        self.program.process.stdin.close()

    def died_of_itself(self):
        return not self.program.is_alive() and not self.was_ended

    def end(self):
        if self.program.is_alive():
            self.kill()

    def requests(self):
        """(microseconds on the monotonic clock, id, method, path) of what arrived here; probes have no id."""
        rows = []
        for line in self.log.read_text().splitlines():
            kind, at, number, method, path = line.split("\t")
            rows.append((int(at), number if kind == "E" else None, method, path))
        return rows


class Stage:
    """Four app servers, the Redis with their logins, and room for more."""

    NODES = ["app1", "app2", "app3", "app4"]

    def __init__(self, directory, needs_namespace):
        self.directory, self.things = directory, []
        self.namespace = None
        try:
            if needs_namespace:
                self.namespace = self.keep(NetNamespace())
            self.logins = self.keep(Redis("logins", directory))
            self.apps = [self.keep(App(name, directory, self.logins, self.namespace if name == "app1" else None))
                         for name in self.NODES]
        except BaseException:
            self.end()
            raise

    def keep(self, thing):
        self.things.append(thing)
        return thing

    @property
    def victim(self):
        return self.apps[0]

    def end(self):
        while self.things:
            self.things.pop().end()
