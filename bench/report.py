"""The failover benchmark's tables, in Markdown."""


def seconds(value):
    return "-" if value is None else f"{value / 1000:.2f}" if value < 9950 else f"{value / 1000:.1f}"


def line_of(verdict):
    """The row of a table: title, cell."""
    v = verdict
    wait = f"{seconds(v['wait']['median_ms'])} / {seconds(v['wait']['p99_ms'])} / {seconds(v['wait']['worst_ms'])}"
    never = f" ({v['wait']['never']} never)" if v["wait"]["never"] else ""
    return {
        "GETs failed": str(v["safe_failed"]),
        "POSTs failed (not in flight)": f"{v['unsafe_failed']} ({v['unsafe_failed_not_in_flight']})",
        "POSTs run twice": str(v["unsafe_twice"]),
        "logins lost": str(v["logins_lost"]),
        "on two nodes": str(v["two_nodes"]),
        "wait s: median / p99 / worst": wait + never,
        "longest GET, POST s": f"{seconds(v['longest_safe_ms'])}, {seconds(v['longest_unsafe_ms'])}",
        "GET p99 s: before, at the end": f"{seconds(v['p99_before_ms'])}, {seconds(v['p99_end_ms'])}",
        "over 1 s: hit, others": f"{v['over_1s_hit']}, {v['over_1s_others']}",
        "moved of hit, of others": f"{v['moved']} of {v['users_hit']}, {v['moved_needlessly']}",
        "new users on it": f"{v['new_on_victim']} of {v['new_users']}",
        "noticed s": seconds(v["detected_ms"]),
        "nodes killed": str(v["nodes_killed"]),
        "machine stood still ms": str(v["machine_stalled_ms"]),
        "probes/s before, after": f"{v['probes_per_s_before']:.0f}, {v['probes_per_s_after']:.0f}",
    }


def kinds(verdict):
    names = {"cut": "connection broken", "gave_up": "no answer", "refused": "connection refused"}
    return ", ".join(f"{count} {names.get(kind, kind)}" for kind, count in sorted(verdict["errors"].items())) or "none"


def table(report):
    plan, lines = report["plan"], []
    lines += [f"{plan['users']} users, {plan['before']} s before the fault and {plan['after']} s after it, seed {plan['seed']}. "
              f"{report['machine']}", "", *(f"- {name}: {title}" for name, title in report["rivals"].items()), ""]
    for fault, title in report["faults"].items():
        runs = {run["rival"]: run["verdict"] for run in report["runs"] if run["fault"] == fault}
        if not runs:
            continue
        rows = {name: line_of(verdict) for name, verdict in runs.items()}
        lines += [f"### {fault}", f"{title[0].upper()}{title[1:]}.", "", "| | " + " | ".join(rows) + " |", "|---" * (len(rows) + 1) + "|"]
        for key in next(iter(rows.values())):
            lines.append(f"| {key} | " + " | ".join(row[key] for row in rows.values()) + " |")
        lines.append("| errors | " + " | ".join(kinds(verdict) for verdict in runs.values()) + " |")
        if fault == "poison":
            lines.append("| times it ran | " + " | ".join(str(v["poison_executed"]) for v in runs.values()) + " |")
            lines.append("| its answers | " + " | ".join(" ".join(v["poison_answers"]) for v in runs.values()) + " |")
        lines.append("")
    return "\n".join(lines)


def summary(report):
    """One cell a run: failed GETs / failed POSTs, and the worst wait."""
    names = list(report["rivals"])
    lines = ["| fault | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    runs = {(run["fault"], run["rival"]): run["verdict"] for run in report["runs"]}
    for fault in report["faults"]:
        cells = []
        for name in names:
            v = runs.get((fault, name))
            if v is None:
                cells.append("")
                continue
            notes = [f"{v[key]} {word}" for key, word in (("unsafe_twice", "POSTs twice"), ("logins_lost", "logins lost"),
                                                          ("two_nodes", "on two nodes"), ("moved_needlessly", "moved needlessly"),
                                                          ("nodes_killed", "nodes killed")) if v[key]]
            never = f", {v['wait']['never']} never" if v["wait"]["never"] else ""
            cells.append(f"{v['safe_failed']} + {v['unsafe_failed']}, {seconds(v['wait']['worst_ms'])} s{never}"
                         + "".join(f"; {note}" for note in notes))
        if any(cells):
            lines.append(f"| {fault} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
