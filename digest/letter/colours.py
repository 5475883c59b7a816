"""Measure the contrast between colours as WCAG 2.2 does, and find the nearest colour with enough of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from digest.letter.brand import Colours

# Contrast ratios that WCAG 2.2 asks for: 1.4.3 for text, 1.4.11 for graphics.
TEXT = 4.5
GRAPHIC = 3.0
HEX = re.compile(r"#[0-9a-fA-F]{6}")


class Pair(NamedTuple):
    """Name two fields of `Colours` that meet in a letter, and the least contrast they need."""

    front: str
    back: str
    least: float


# Every text and every meaningful line, on every ground where the templates put it.
PAIRS = (
    Pair("text", "sheet", TEXT),
    Pair("text", "panel", TEXT),
    Pair("text", "background", TEXT),
    Pair("heading", "sheet", TEXT),
    Pair("heading", "panel", TEXT),
    Pair("heading", "background", TEXT),
    Pair("soft", "sheet", TEXT),
    Pair("soft", "panel", TEXT),
    Pair("link", "sheet", TEXT),
    Pair("link", "panel", TEXT),
    Pair("accent", "sheet", TEXT),
    Pair("accent", "panel", GRAPHIC),
)


def luminance(colour: str) -> float:
    """Return the relative luminance of "#rrggbb", 0 (black) to 1 (white)."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(colour: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21."""
    dark, light = sorted((luminance(colour), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def ink_on(colour: str) -> str:
    """Return white, near black or black: the first with a contrast of 4.5:1 to `colour`. Every colour has one."""
    return next(ink for ink in ("#ffffff", "#0f1417", "#000000") if contrast(ink, colour) >= TEXT)


def nearest(colour: str, against: Iterable[tuple[str, float]]) -> str | None:
    """Return the shade closest to `colour` with at least `ratio` to each (colour, ratio) of `against`, or None."""
    wanted = list(against)
    for step in range(1, 101):
        for end in (0, 255):
            shade = _mixed(colour, end, step / 100)
            if all(contrast(shade, other) >= least for other, least in wanted):
                return shade
    return None


def colour_problems(colours: Colours, chosen: Sequence[str]) -> list[str]:
    """Return a line for each colour with too little contrast: its key, the measured ratio and a colour that would do.

    `chosen` are the keys that the operator set. Only those are named, because the shipped colours are not the
    operator's to mend.
    """
    problems: dict[str, str] = {}
    for pair in PAIRS:
        front, back = getattr(colours, pair.front), getattr(colours, pair.back)
        ratio = contrast(front, back)
        if ratio >= pair.least:
            continue
        key, other = (pair.back, pair.front) if pair.front not in chosen else (pair.front, pair.back)
        if key in problems:
            continue
        shade = nearest(getattr(colours, key), _neighbours(colours, key))
        cure = f"{shade} would do" if shade else f"change {other} as well: no shade of this one would do"
        problems[key] = (
            f"{key}: {getattr(colours, key)} has a contrast of {int(ratio * 100) / 100:.2f}:1 with the {other} "
            f"{getattr(colours, other)}, less than {pair.least:g}:1; {cure}"
        )
    return list(problems.values())


def _neighbours(colours: Colours, key: str) -> list[tuple[str, float]]:
    fronts = [(getattr(colours, pair.back), pair.least) for pair in PAIRS if pair.front == key]
    return fronts + [(getattr(colours, pair.front), pair.least) for pair in PAIRS if pair.back == key]


def _mixed(colour: str, end: int, part: float) -> str:
    channels = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(c + (end - c) * part):02x}" for c in channels)
