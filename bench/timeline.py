"""The failover picture: a row a fault, a column a proxy; response times around the fault, failed requests in red."""

import math

COLUMN, ROW, LEFT, TOP = 190, 84, 110, 74
LOW_MS, HIGH_MS = 10, 40_000
COLOURS = {"holdfast": "#1f6f5c", "haproxy": "#c97b3c", "nginx": "#5b8db8"}


def panel(x, y, verdict, colour, span):
    """Median as a line, the worst as an area, on a logarithmic scale; red ticks on top: failed requests."""
    width, height = COLUMN - 14, ROW - 22
    at = lambda t: x + (t + 2000) / (span + 2000) * width
    of = lambda v: y + height * (1 - min(1, max(0, math.log(max(v, LOW_MS) / LOW_MS) / math.log(HIGH_MS / LOW_MS))))
    points = verdict["timeline"]
    worst = " ".join(f"{at(t):.0f},{of(high):.0f}" for t, _, high, _ in points)
    median = " ".join(f"{at(t):.0f},{of(mid):.0f}" for t, mid, _, _ in points)
    parts = [f'<rect x="{x}" y="{y}" width="{width}" height="{height}" class="p"/>']
    for line in (100, 1000, 10_000):
        parts.append(f'<path d="M{x} {of(line):.0f}h{width}" class="g"/>')
    if points:
        first, last = at(points[0][0]), at(points[-1][0])
        parts.append(f'<polygon points="{first:.0f},{y + height} {worst} {last:.0f},{y + height}" fill="{colour}" opacity=".28"/>'
                     f'<polyline points="{median}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    parts.append(f'<path d="M{at(0):.0f} {y}v{height}" class="f"/>')
    for t, _, _, bad in points:
        if bad:
            parts.append(f'<path d="M{at(t):.0f} {y - 1}v-{min(9, 2 + bad):.0f}" class="e"/>')
    return "".join(parts)


def picture(runs, faults, contenders, span_ms):
    """`runs`: {(fault, contender): verdict}; the rest says in what order."""
    width, height = LEFT + COLUMN * len(contenders) + 10, TOP + ROW * len(faults) + 34
    parts = ['<style>text{font:12px system-ui,sans-serif;fill:#333}.h{font-weight:600}.s{font-size:10px;fill:#777}'
             '.p{fill:#fafafa;stroke:#ddd}.g{stroke:#e4e4e4;fill:none}.f{stroke:#555;stroke-dasharray:3 2;fill:none}'
             '.e{stroke:#c62828;stroke-width:2;fill:none}</style>'
             f'<rect width="{width}" height="{height}" fill="#fff"/>'
             '<text x="16" y="24" class="h" style="font-size:15px">Answer times around a fault</text>'
             '<text x="16" y="42">Line: median. Area: worst. Red on top: failed requests. Dashed: the fault. Scale: 10 ms to 40 s, '
             'logarithmic, lines at 0.1, 1 and 10 s. Time: from 2 s before the fault to '
             f'{span_ms / 1000:g} s after.</text>']
    for column, contender in enumerate(contenders):
        parts.append(f'<text x="{LEFT + COLUMN * column}" y="{TOP - 12}" class="h">{contender}</text>')
    for row, fault in enumerate(faults):
        y = TOP + ROW * row
        parts.append(f'<text x="16" y="{y + 30}" class="h">{fault}</text>')
        for column, contender in enumerate(contenders):
            x = LEFT + COLUMN * column
            verdict = runs.get((fault, contender))
            if verdict is None:
                parts.append(f'<text x="{x + 50}" y="{y + 34}" class="s">does not apply</text>')
            else:
                parts.append(panel(x, y, verdict, COLOURS[contender.split()[0]], span_ms))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
            + "".join(parts) + "</svg>\n")
