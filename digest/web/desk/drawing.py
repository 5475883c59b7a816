"""Draw small pictures for the desk as SVG: pure text, coloured by classes of desk.css, with a title for a reader."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_ROW, _BAR, _LABEL, _WIDTH, _COUNT = 26, 18, 92, 360, 60  # units, which are CSS pixels on a phone


def bars(title: str, text: str, rows: Sequence[tuple[str, int]]) -> str:
    """Return horizontal bars as an SVG element: rows of a label and its count, which is written beside the bar.

    `text` says the same in words. The numbers stand beside the bars, so that no colour or length says it alone.
    """
    most = max((count for _, count in rows), default=0)
    room = _WIDTH - _LABEL - _COUNT
    parts = [
        f'<svg class="bars" viewBox="0 0 {_WIDTH} {_ROW * len(rows)}" width="{_WIDTH}" height="{_ROW * len(rows)}"'
        f' role="img"><title>{escape(title)}</title><desc>{escape(text)}</desc>'
    ]
    for number, (label, count) in enumerate(rows):
        top = number * _ROW
        middle = top + _ROW // 2
        # At least a line, because a bar of nothing would say that there is none.
        width = max(2, round(room * count / most)) if count else 0
        parts.append(
            f'<text class="label" x="{_LABEL - 8}" y="{middle}" text-anchor="end">{escape(label)}</text>'
            f'<rect class="bar" x="{_LABEL}" y="{top + (_ROW - _BAR) // 2}" width="{width}" height="{_BAR}"/>'
            f'<text x="{_LABEL + width + 6}" y="{middle}">{count:,}</text>'
        )
    return "".join(parts) + "</svg>"
