"""Draw the figures that compare the product with a peer as bars on a logarithmic scale, as an SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from benchmarks.figures import Figure, rounded

_WIDTH, _ROW, _TOP, _LEFT, _RIGHT = 860, 46, 64, 30, 80
STYLE = """
.paper { fill: #ffffff } .bar { fill: #12545a } .short { fill: #b3541e } .goal { stroke: #17212b; stroke-width: 2 }
.grid { stroke: #d5dbdf } .name { fill: #17212b; font-size: 14px; paint-order: stroke; stroke: #ffffff;
stroke-width: 4px } .value { fill: #17212b; font-size: 14px;
font-weight: 700 } .small { fill: #4d575f; font-size: 12px } .title { fill: #12343b; font-size: 16px;
font-weight: 700 }
@media (prefers-color-scheme: dark) {
.paper { fill: #14191d } .bar { fill: #7fd0c8 } .short { fill: #f0a36b } .goal { stroke: #f1f2ee }
.grid { stroke: #333d44 } .name { fill: #f1f2ee; stroke: #14191d } .value { fill: #f1f2ee } .small { fill: #bcc4c9 }
.title { fill: #d9f2ee }
}
"""


def comparisons(figures: Sequence[Figure]) -> list[Figure]:
    """Return the figures that the picture shows: how many times as fast as a peer."""
    ratios = [figure for figure in figures if figure.unit == "×" and figure.more and figure.reach is not None]
    return [figure for figure in ratios if 0 < figure.median < math.inf]


def draw(figures: Sequence[Figure]) -> str:
    """Return the SVG of figures that are each a ratio of which more is better; equal to a peer is 1."""
    shown = comparisons(figures)
    values = [value for figure in shown for value in (figure.median, figure.reach or 1)]
    low = math.floor(math.log10(min([0.1, *values])))
    high = math.ceil(math.log10(max([10, *values])))
    height = _TOP + _ROW * len(shown) + 34

    def x(value: float) -> float:
        return _LEFT + (math.log10(max(value, 10**low)) - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    lines = _frame(height)
    for power in range(low, high + 1):
        at, words = f"{x(10**power):.1f}", rounded(10**power)
        lines.append(f'<line class="grid" x1="{at}" y1="{_TOP - 16}" x2="{at}" y2="{height - 30}"/>')
        lines.append(f'<text class="small" x="{at}" y="{height - 12}" text-anchor="middle">{words}</text>')
    for number, figure in enumerate(shown):
        lines += _row(figure, _TOP + _ROW * number, x(1), x(figure.median), x(figure.reach or 1))
    return "\n".join([*lines, "</svg>", ""])


def _frame(height: int) -> list[str]:
    about = (
        "One bar for each comparison, on a logarithmic scale: how many times as fast as the peer the product was."
        " A line across each bar shows what the project wants."
    )
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img"'
        ' aria-labelledby="title about" font-family="system-ui, \'Segoe UI\', Helvetica, Arial, sans-serif">',
        '<title id="title">How many times as fast as each peer</title>',
        f'<desc id="about">{about}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{_WIDTH}" height="{height}" rx="12"/>',
        f'<text class="title" x="{_LEFT}" y="30">How many times as fast as the peer named</text>',
        f'<text class="small" x="{_WIDTH - _RIGHT}" y="30" text-anchor="end">'
        "line: what is wanted; orange: short of it</text>",
    ]


def _row(figure: Figure, top: float, equal: float, end: float, goal: float) -> list[str]:
    """Return one comparison: its words above its bar, its value beside it, and a line at its goal.

    The bar begins where the peer is equalled, and leads to the left when the product is slower. Lengths in pixels.
    """
    kind = "bar" if figure.is_reached else "short"
    left, width = min(equal, end), max(abs(end - equal), 2)
    value, words = f"{rounded(figure.median)} ×", escape(figure.says.replace("`", ""))
    return [
        f'<text class="name" x="{_LEFT}" y="{top + 12}">{words}</text>',
        f'<rect class="{kind}" x="{left:.1f}" y="{top + 18}" width="{width:.1f}" height="14" rx="2"/>',
        f'<line class="goal" x1="{goal:.1f}" y1="{top + 15}" x2="{goal:.1f}" y2="{top + 35}"/>',
        f'<text class="value" x="{max(equal, end, goal) + 8:.1f}" y="{top + 30}">{value}</text>',
    ]
