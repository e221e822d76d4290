"""The failover benchmark's tables, in Markdown."""


def seconds(value):
    return "-" if value is None else f"{value / 1000:.2f}" if value < 9950 else f"{value / 1000:.1f}"


def three(times):
    return f"{seconds(times['median_ms'])} / {seconds(times['p99_ms'])} / {seconds(times['worst_ms'])}"


def line_of(verdict):
    """The row of a table: title, cell."""
    v = verdict
    never = f" ({v['wait']['never']} never)" if v["wait"]["never"] else ""
    return {
        "GETs failed": str(v["safe_failed"]),
        "POSTs failed (not in flight)": f"{v['unsafe_failed']} ({v['unsafe_failed_not_in_flight']})",
        "POSTs, GETs run twice": f"{v['unsafe_twice']}, {v['safe_twice']}",
        "logins lost": str(v["logins_lost"]),
        "on two backends": str(v["two_nodes"]),
        "wait s: median / p99 / worst": three(v["wait"]) + never,
        "fault to good response s: the same": three(v["to_good"]),
        "longest GET, POST s": f"{seconds(v['longest_safe_ms'])}, {seconds(v['longest_unsafe_ms'])}",
        "GET p99 s: before, at the end": f"{seconds(v['p99_before_ms'])}, {seconds(v['p99_end_ms'])}",
        "sent again by browsers": str(v["retried_by_browser"]),
        "over 1 s: hit, others": f"{v['over_1s_hit']}, {v['over_1s_others']}",
        "moved of hit, of others": f"{v['moved']} of {v['users_hit']}, {v['moved_needlessly']}",
        "new users on it": f"{v['new_on_victim']} of {v['new_users']}",
        "noticed s": seconds(v["detected_ms"]),
        "backends killed": str(v["nodes_killed"]),
        "machine stood still ms": str(v["machine_stalled_ms"]),
        "probes/s before, after": f"{v['probes_per_s_before']:.0f}, {v['probes_per_s_after']:.0f}",
    }


def line(name, verdict):
    """A run in one line, as soon as it is known."""
    v = verdict
    return (f"  {name:12} GETs failed {v['safe_failed']:4}  POSTs failed {v['unsafe_failed']:3}  worst wait "
            f"{seconds(v['wait']['worst_ms']):>5} s  two backends {v['two_nodes']:3}  noticed {seconds(v['detected_ms']):>5} s"
            f"   errors: {kinds(v)}    ")


def kinds(verdict):
    names = {"cut": "connection broken", "gave_up": "no response", "refused": "connection refused"}
    return ", ".join(f"{count} {names.get(kind, kind)}" for kind, count in sorted(verdict["errors"].items())) or "none"


def table(report):
    plan, lines = report["plan"], []
    lines += [f"{plan['users']} users, {plan['before']} s before the fault and {plan['after']} s after it, "
              f"seed {plan['seed']}. {report['machine']}", "", *(f"- {name}: {title}" for name, title in report["contenders"].items()), ""]
    for fault, title in report["faults"].items():
        runs = {run["contender"]: run["verdict"] for run in report["runs"] if run["fault"] == fault}
        if not runs:
            continue
        rows = {name: line_of(verdict) for name, verdict in runs.items()}
        lines += [f"### {fault}", f"{title[0].upper()}{title[1:]}.", "", "| | " + " | ".join(rows) + " |",
                  "|---" * (len(rows) + 1) + "|"]
        for key in next(iter(rows.values())):
            lines.append(f"| {key} | " + " | ".join(row[key] for row in rows.values()) + " |")
        lines.append("| errors | " + " | ".join(kinds(verdict) for verdict in runs.values()) + " |")
        if fault == "poison":
            lines.append("| times it ran | " + " | ".join(str(v["poison_executed"]) for v in runs.values()) + " |")
            lines.append("| its responses | " + " | ".join(" ".join(v["poison_answers"]) for v in runs.values()) + " |")
        lines.append("")
    return "\n".join(lines)


def cell(verdict):
    """What somebody need not have met, how long the unluckiest waited, and what else there was."""
    v = verdict
    failed = v["safe_failed"] + v["unsafe_failed_not_in_flight"]
    lost = v["unsafe_failed"] - v["unsafe_failed_not_in_flight"]
    notes = [f"{word} {count}" for word, count in (
        ("in-flight POSTs lost", lost), ("never again well", v["wait"]["never"]), ("POSTs run twice", v["unsafe_twice"]),
        ("logins lost", v["logins_lost"]), ("users on two backends", v["two_nodes"]), ("sent again by browsers", v["retried_by_browser"]),
        ("moved needlessly", v["moved_needlessly"]), ("backends killed", v["nodes_killed"])) if count]
    if (v["longest_safe_ms"] or 0) > 1000:
        notes.append(f"longest GET {seconds(v['longest_safe_ms'])} s")
    return "; ".join([f"{f'**{failed} failed**' if failed else '0 failed'}, {seconds(v['wait']['worst_ms'])} s", *notes])


def summary(report):
    """One cell a run: requests failed that were not lost with the backend, and the worst wait."""
    names = list(report["contenders"])
    lines = ["| fault | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    runs = {(run["fault"], run["contender"]): run["verdict"] for run in report["runs"]}
    for fault in report["faults"]:
        cells = [cell(runs[fault, name]) if (fault, name) in runs else "" for name in names]
        if any(cells):
            lines.append(f"| {fault} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
