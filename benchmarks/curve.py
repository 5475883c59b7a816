"""Draw how long an edition takes against the number of workers, both on logarithmic scales, as an SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from benchmarks.figures import rounded
from benchmarks.picture import STYLE

_WIDTH, _HEIGHT, _TOP, _BOTTOM, _LEFT, _RIGHT = 860, 400, 64, 56, 70, 40
_CURVES = ("first", "second")
_OURS = """
.curve { fill: none; stroke-width: 3 } .first { stroke: #12545a } .second { stroke: #b3541e; stroke-dasharray: 9 5 }
.dot { stroke: none } .dot.first { fill: #12545a } .dot.second { fill: #b3541e }
@media (prefers-color-scheme: dark) {
.first { stroke: #7fd0c8 } .second { stroke: #f0a36b } .dot.first { fill: #7fd0c8 } .dot.second { fill: #f0a36b }
}
"""


def draw_curves(curves: Mapping[str, Sequence[tuple[int, float]]], title: str, below: str) -> str:
    """Return the SVG of at most two named curves, each of points (workers, hours). `below` names the lower axis."""
    points = [point for curve in curves.values() for point in curve]
    workers, hours = sorted({number for number, _ in points}), [value for _, value in points]
    low, high = math.floor(math.log2(min(hours))), math.ceil(math.log2(max(hours)))

    def x(number: int) -> float:
        return _LEFT + math.log2(number) / max(math.log2(workers[-1]), 1) * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _TOP + (high - math.log2(value)) / max(high - low, 1) * (_HEIGHT - _TOP - _BOTTOM)

    lines = _frame(title, below)
    for power in range(low, high + 1):
        at = f"{y(2**power):.1f}"
        lines.append(f'<line class="grid" x1="{_LEFT}" y1="{at}" x2="{_WIDTH - _RIGHT}" y2="{at}"/>')
        lines.append(f'<text class="small" x="{_LEFT - 10}" y="{at}" text-anchor="end">{rounded(2**power)} h</text>')
    foot = _HEIGHT - _BOTTOM + 20
    for number in workers:
        lines.append(f'<text class="small" x="{x(number):.1f}" y="{foot}" text-anchor="middle">{number}</text>')
    for kind, (name, curve) in zip(_CURVES, curves.items(), strict=False):
        path = " ".join(f"{x(number):.1f},{y(value):.1f}" for number, value in curve)
        lines.append(f'<polyline class="curve {kind}" points="{path}"/>')
        lines += [
            f'<circle class="dot {kind}" cx="{x(number):.1f}" cy="{y(value):.1f}" r="5"/>' for number, value in curve
        ]
        number, value = curve[0]
        lines.append(f'<text class="name" x="{x(number) + 12:.1f}" y="{y(value) - 8:.1f}">{escape(name)}</text>')
    return "\n".join([*lines, "</svg>", ""])


def _frame(title: str, below: str) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        ' aria-labelledby="title about" font-family="system-ui, \'Segoe UI\', Helvetica, Arial, sans-serif">',
        f'<title id="title">{escape(title)}</title>',
        '<desc id="about">A curve for each way out. Both scales are logarithmic: a step is twice as much.</desc>',
        f"<style>{STYLE}{_OURS}</style>",
        f'<rect class="paper" width="{_WIDTH}" height="{_HEIGHT}" rx="12"/>',
        f'<text class="title" x="{_LEFT - 40}" y="30">{escape(title)}</text>',
        f'<text class="small" x="{(_LEFT + _WIDTH - _RIGHT) / 2:.0f}" y="{_HEIGHT - 14}" text-anchor="middle">'
        f"{escape(below)}</text>",
    ]
