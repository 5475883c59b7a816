"""Say how often Python looks for garbage: seldom in a command that ends soon, as usual in one that stays."""

from __future__ import annotations

import gc

_USUAL = gc.get_threshold()


def collect_seldom() -> None:
    """Look for garbage after 200,000 new objects, because the 110,000 of a start are nearly all code."""
    gc.set_threshold(200_000)


def collect_as_usual() -> None:
    """Look for garbage as Python does by itself, because a process that stays must not keep what it has used."""
    gc.set_threshold(*_USUAL)
