"""What is done to whom: each fault is a list of (seconds after the fault, deed). `back` is when it ends, if it does."""

import signal

SLOW_MS = 30_000


class Fault:
    """`victim`: whether it hits the users of one node, or nobody's in particular. `blows`: how many of its deeds, from the
    first on, may cost somebody what he has under way."""

    def __init__(self, name, title, deeds, blows=1, victim="node", needs=lambda rival: True, dark=False):
        self.name, self.title, self.deeds, self.blows = name, title, deeds, blows
        self.victim, self.needs, self.dark = victim, needs, dark


def word(text):
    return lambda stage, rival: stage.victim.say(text)


def kill(stage, rival):
    stage.victim.kill()


def start(stage, rival):
    stage.victim.start()


def stop(stage, rival):
    stage.victim.signal(signal.SIGSTOP)


def go_on(stage, rival):
    stage.victim.signal(signal.SIGCONT)


def redis(deed):
    return lambda stage, rival: deed(rival.redis)


def has_redis(rival):
    return rival.has_redis


def is_pair(rival):
    return rival.copies == 2


ALL = [
    Fault("kill9", "a node is killed (kill -9)", lambda back: [(0, kill)]),
    Fault("stop", "a node hangs (SIGSTOP), and wakes up again", lambda back: [(0, stop), (back, go_on)]),
    Fault("rst", "a node closes its port and resets all connections; comes back",
          lambda back: [(0, word("rst")), (back, word("listen"))]),
    Fault("blackhole", "a node's packets vanish; come back",
          lambda back: [(0, lambda stage, rival: stage.room.go_dark()),
                        (back, lambda stage, rival: stage.room.go_light())], dark=True),
    Fault("slow", "a node answers probes at once and requests after 30 s; recovers",
          lambda back: [(0, word(f"slow {SLOW_MS}")), (back, word("slow 0"))], blows=0),
    Fault("sick", "a node's health check says 503, and it serves all the same; recovers",
          lambda back: [(0, word("sick")), (back, word("well"))], blows=0),
    Fault("drain", "an operator drains a node with a deadline, and then stops it", None, blows=0),
    Fault("proxy", "one of two proxies is killed (kill -9)",
          lambda back: [(0, lambda stage, rival: rival.programs[0].kill())], victim="none", needs=is_pair),
    Fault("redis-kill", "the proxies' Redis is killed, and comes back empty",
          lambda back: [(0, redis(lambda r: r.kill())), (back, redis(lambda r: r.start()))], blows=0, victim="none",
          needs=has_redis),
    Fault("redis-stop", "the proxies' Redis hangs (SIGSTOP), and wakes up again",
          lambda back: [(0, redis(lambda r: r.signal(signal.SIGSTOP))), (back, redis(lambda r: r.signal(signal.SIGCONT)))],
          blows=0, victim="none", needs=has_redis),
    Fault("poison", "a user's POST kills the node that executes it, and the user reloads seven times", lambda back: [],
          blows=0, victim="none"),
    Fault("restart", "a node is killed and started again 2 s later", lambda back: [(0, kill), (2, start)]),
    Fault("flap", "a node is killed and started again, three times",
          lambda back: [(at + 2.5 * n, deed) for n in range(3) for at, deed in ((0, kill), (0.8, start))],
          blows=6),
]


def drain_deeds(rival, node, back):
    """The order, what has to be ordered later where there is no deadline, and the end of the node in the end."""
    deadline = max(1, int(back) - 2)
    deeds = []

    def order(stage, rival):
        more = rival.drain(node, deadline)
        if more:
            deeds.insert(0, (more[0], lambda stage, rival: more[1]()))

    deeds += [(0, order), (back, kill)]
    return deeds
