"""Plots as SVG, with nothing but text: bars of CPU time per request, one group a workload, scaled to the slowest."""

COLOURS = {"floor": "#b8b8b8", "holdfast": "#1f6f5c", "nginx": "#5b8db8", "haproxy": "#c97b3c"}
WIDTH, BAR, GAP, LABEL = 860, 16, 26, 250


def bars(workloads):
    parts, y = [], 56
    for entry in workloads:
        rows = entry["summary"]
        slowest = max(row["us"] for row in rows.values())
        parts.append(f'<text x="16" y="{y + 12}" class="h">{entry["title"]}</text>')
        for name in ("floor", "holdfast", "nginx", "haproxy"):
            if name not in rows:
                continue
            length = (WIDTH - LABEL - 130) * rows[name]["us"] / slowest
            parts.append(f'<text x="{LABEL + 62}" y="{y + 12}" text-anchor="end">{name}</text>'
                         f'<rect x="{LABEL + 68}" y="{y}" width="{length:.1f}" height="{BAR - 3}" fill="{COLOURS[name]}"/>'
                         f'<text x="{LABEL + 74 + length:.1f}" y="{y + 12}">{rows[name]["us"]:.1f} us</text>')
            y += BAR
        y += GAP
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}">'
            '<style>text{font:12px system-ui,sans-serif;fill:#333}.h{font-weight:600}</style>'
            f'<rect width="{WIDTH}" height="{y}" fill="#fff"/>'
            '<text x="16" y="28" class="h" style="font-size:15px">CPU time of the proxy per request '
            '(median; shorter is better)</text>' + "".join(parts) + "</svg>\n")
