"""What is done to whom: each fault is a list of (seconds after the fault, action). `back` is when it ends, if it does."""

import signal

SLOW_MS = 30_000


class Fault:
    """`victim`: whether it hits the users of one backend, or nobody's in particular. `impacts`: how many of its actions, from the
    first on, may cost somebody what he has under way."""

    def __init__(self, name, title, actions, impacts=1, victim="backend", needs=lambda contender: True, needs_namespace=False):
        self.name, self.title, self.actions, self.impacts = name, title, actions, impacts
        self.victim, self.needs, self.needs_namespace = victim, needs, needs_namespace


def word(text):
    return lambda stage, contender: stage.victim.say(text)


def kill(stage, contender):
    stage.victim.kill()


def start(stage, contender):
    stage.victim.start()


def stop(stage, contender):
    stage.victim.signal(signal.SIGSTOP)


def go_on(stage, contender):
    stage.victim.signal(signal.SIGCONT)


def redis(action):
    return lambda stage, contender: action(contender.redis)


def has_redis(contender):
    return contender.has_redis


def is_pair(contender):
    return contender.copies == 2


ALL = [
    Fault("kill9", "a backend is killed (kill -9)", lambda back: [(0, kill)]),
    Fault("stop", "a backend hangs (SIGSTOP), and wakes up again", lambda back: [(0, stop), (back, go_on)]),
    Fault("rst", "a backend closes its port and resets all connections; comes back",
          lambda back: [(0, word("rst")), (back, word("listen"))]),
    Fault("blackhole", "a backend's packets vanish; come back",
          lambda back: [(0, lambda stage, contender: stage.namespace.cut()),
                        (back, lambda stage, contender: stage.namespace.restore())], needs_namespace=True),
    Fault("slow", "a backend responds to probes at once, and to requests after 30 s; recovers",
          lambda back: [(0, word(f"slow {SLOW_MS}")), (back, word("slow 0"))], impacts=0),
    Fault("sick", "a backend's health check reports 503, but it serves; recovers",
          lambda back: [(0, word("sick")), (back, word("well"))], impacts=0),
    Fault("drain", "an operator drains a backend with a deadline, and then stops it", None, impacts=0),
    Fault("proxy", "one of two proxies is killed (kill -9)",
          lambda back: [(0, lambda stage, contender: contender.programs[0].kill())], victim="none", needs=is_pair),
    Fault("redis-kill", "the proxies' Redis is killed, and comes back empty",
          lambda back: [(0, redis(lambda r: r.kill())), (back, redis(lambda r: r.start()))], impacts=0, victim="none",
          needs=has_redis),
    Fault("redis-stop", "the proxies' Redis hangs (SIGSTOP), and wakes up again",
          lambda back: [(0, redis(lambda r: r.signal(signal.SIGSTOP))), (back, redis(lambda r: r.signal(signal.SIGCONT)))],
          impacts=0, victim="none", needs=has_redis),
    Fault("poison", "a user's POST kills the backend that executes it, and the user reloads seven times", lambda back: [],
          impacts=0, victim="none"),
    Fault("restart", "a backend is killed and started again 2 s later", lambda back: [(0, kill), (2, start)]),
    Fault("flap", "a backend is killed and started again, three times",
          lambda back: [(at + 2.5 * n, action) for n in range(3) for at, action in ((0, kill), (0.8, start))],
          impacts=6),
]


def drain_actions(contender, backend, back):
    """The order, what has to be ordered later where there is no deadline, and the end of the backend in the end."""
    deadline = max(1, int(back) - 2)
    actions = []

    def order(stage, contender):
        more = contender.drain(backend, deadline)
        if more:
            actions.insert(0, (more[0], lambda stage, contender: more[1]()))

    actions += [(0, order), (back, kill)]
    return actions
