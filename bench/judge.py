"""What the users have met, in numbers. Pure: rows in, a dict out; times in microseconds of the schedule."""

import collections

SECOND = 1_000_000
CRASH_TAKES = 30_000  # as failover_app.cpp has it


def share(values, part):
    """The value below which `part` of all lie; None of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else None


def is_good(row):
    return row["status"] == 200


def took(row):
    return row["end"] - row["due"]


def home_of(rows, fault):
    """The backend of the last good response before the fault."""
    good = [row for row in rows if is_good(row) and row["end"] < fault]
    return max(good, key=lambda row: row["end"])["backend"] if good else None


def ways(rows, fault):
    """The backends that served what was begun after the fault, in that order, repetitions left out."""
    backends = []
    for row in sorted(rows, key=lambda row: row["start"]):
        if is_good(row) and row["start"] >= fault and (not backends or backends[-1] != row["backend"]):
            backends.append(row["backend"])
    return backends


def next_good(rows, fault):
    """(fault to the next good response, the same from when the first request was due); None: there was none."""
    later = [row for row in rows if row["end"] >= fault]
    good = [row["end"] for row in later if is_good(row)]
    if not later:
        return None
    if not good:
        return (None, None)
    return (min(good) - fault, min(good) - min(row["due"] for row in later))


def was_in_flight(row, impacts):
    """An impact takes a moment itself: its time is that of its order."""
    return any(row["start"] <= impact + SECOND // 20 and row["end"] >= impact for impact in impacts)


def kind_of(row):
    return row["error"] if row["error"] != "-" else str(row["status"])


def times(values):
    known = [value for value in values if value is not None]
    return {"median_ms": ms(share(known, 0.5)), "p99_ms": ms(share(known, 0.99)),
            "worst_ms": ms(max(known)) if known else None, "never": len(values) - len(known)}


def ms(us):
    return None if us is None else round(us / 1000, 1)


def judge(rows, arrivals, fault, end, victim=None, killed=0, detected=None, impacts=None):
    """`rows`: what users saw. `arrivals`: (time, id or None, method, path) of what reached backends. `victim`: whose users
    the fault hits (None: everybody's). `killed`: backends that died of themselves. `detected`: when the proxy said so.
    `impacts`: when something was done to somebody; what was in flight then may be lost, and with a crash, too."""
    crashes = [row for row in rows if row["path"] == "/crash"]
    rows = [row for row in rows if row["path"] != "/crash"]
    users = collections.defaultdict(list)
    for row in rows:
        users[row["user"]].append(row)
    homes = {user: home_of(mine, fault) for user, mine in users.items()}
    hit = {user for user in users if homes[user] and (victim is None or homes[user] == victim)}
    others = {user for user in users if homes[user] and user not in hit}  # who came after the fault is neither
    impacts = ([fault] if impacts is None else impacts) + [at + CRASH_TAKES for at, _, _, path in arrivals if path == "/crash"]
    executed = collections.Counter((number, method) for _, number, method, path in arrivals if number and path != "/crash")
    ran = {number for number, _ in executed}

    failed = [row for row in rows if not is_good(row) and row["status"] != 401]
    safe = [row for row in failed if row["method"] == "GET"]
    unsafe = [row for row in failed if row["method"] != "GET"]
    paths = {user: ways(mine, fault) for user, mine in users.items()}
    moves = {user: ([homes[user]] if homes[user] else []) + backends for user, backends in paths.items()}
    changes = {user: sum(a != b for a, b in zip(backends, backends[1:])) for user, backends in moves.items()}
    waits = [pair for user in hit if (pair := next_good(users[user], fault)) is not None]
    over = [row for row in rows if took(row) > SECOND and row["end"] >= fault]
    reads = lambda low, high: [took(row) for row in rows if row["method"] == "GET" and low <= row["due"] < high]
    probes = [at for at, number, _, _ in arrivals if number is None]
    late = {user for user in users if homes[user] is None and min(row["due"] for row in users[user]) > fault + SECOND}
    return {
        "requests": len(rows), "users": len(users), "users_hit": len(hit),
        "errors_before": sum(row["end"] < fault for row in failed),
        "errors": dict(collections.Counter(kind_of(row) for row in failed)),
        "safe_failed": len(safe), "unsafe_failed": len(unsafe),
        "unsafe_failed_not_executed": sum(row["id"] not in ran for row in unsafe),
        "unsafe_failed_not_in_flight": sum(not was_in_flight(row, impacts) for row in unsafe),
        "failed_of_others": sum(row["user"] in others for row in failed),
        "retried_by_browser": sum(row["tries"] > 1 for row in rows),
        "to_good": times([pair[0] for pair in waits]), "wait": times([pair[1] for pair in waits]),
        "over_1s_hit": sum(row["user"] in hit for row in over), "over_1s_others": sum(row["user"] in others for row in over),
        "longest_safe_ms": ms(max((took(r) for r in rows if r["method"] == "GET" and r["end"] >= fault), default=None)),
        "longest_unsafe_ms": ms(max((took(r) for r in rows if r["method"] != "GET" and r["end"] >= fault), default=None)),
        "p99_before_ms": ms(share(reads(SECOND, fault), 0.99)),
        "p99_end_ms": ms(share(reads(end - (end - fault) // 4, end), 0.99)),
        "logins_lost": len({row["user"] for row in rows if row["status"] == 401}),
        "two_nodes": sum(count > max(1, killed) for count in changes.values()),
        "moved": sum(changes[user] > 0 for user in hit),
        "moved_needlessly": sum(changes[user] > 0 for user in others),
        "new_on_victim": sum(victim in paths[user][:1] for user in late), "new_users": len(late),
        "unsafe_twice": sum(count > 1 for (_, method), count in executed.items() if method == "POST"),
        "safe_twice": sum(count > 1 for (_, method), count in executed.items() if method == "GET"),
        "nodes_killed": killed, "poison_executed": sum(path == "/crash" for _, _, _, path in arrivals),
        "poison_answers": [kind_of(row) for row in crashes],
        "detected_ms": ms(detected - fault) if detected is not None else None,
        "probes_per_s_before": round(sum(SECOND <= at < fault for at in probes) / (fault - SECOND) * SECOND, 1),
        "probes_per_s_after": round(sum(fault <= at < end for at in probes) / (end - fault) * SECOND, 1),
        "timeline": timeline(rows, fault, end),
    }


def timeline(rows, fault, end, bin_us=100_000):
    """Per 100 ms of due time, from 2 s before the fault: [ms from it, median ms, worst ms, failed]."""
    bins = collections.defaultdict(list)
    for row in rows:
        if fault - 2 * SECOND <= row["due"] < end:
            bins[(row["due"] - fault) // bin_us].append(row)
    return [[at * bin_us // 1000, ms(share([took(r) for r in mine], 0.5)), ms(max(took(r) for r in mine)),
             sum(not is_good(r) for r in mine)] for at, mine in sorted(bins.items())]


# What Holdfast promises, whatever the machine; a run that breaks it ends with 1.
ALWAYS = ("logins_lost", "unsafe_twice", "errors_before")
UNHARMED = ("safe_failed", "unsafe_failed_not_in_flight", "two_nodes")
SILENT_MAX_MS = 2500  # until what waits on a silent backend has ended or is elsewhere


def broken_promises(fault_name, verdict):
    zero, broken = [*ALWAYS], []
    if fault_name == "slow":
        zero += ["failed_of_others", "over_1s_others"]
        if verdict["detected_ms"] is not None:
            broken.append(f"a slow backend was taken for a dead one after {verdict['detected_ms']} ms")
    elif fault_name in ("stop", "blackhole"):
        zero += ["safe_failed", "failed_of_others"]
        broken += [f"{key} = {verdict[key]}" for key in ("longest_safe_ms", "longest_unsafe_ms")
                   if (verdict[key] or 0) > SILENT_MAX_MS]
        if (verdict["p99_end_ms"] or 0) > 2 * (verdict["p99_before_ms"] or 0):
            broken.append(f"p99 {verdict['p99_before_ms']} ms before, {verdict['p99_end_ms']} ms at the end")
    else:
        zero += UNHARMED
        if fault_name == "poison" and verdict["nodes_killed"] != 1:
            broken.append(f"nodes_killed = {verdict['nodes_killed']}")
    return [f"{key} = {verdict[key]}" for key in zero if verdict[key]] + broken
