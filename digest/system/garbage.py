"""Say how often Python looks for garbage: seldom in a command that ends soon, as usual in one that stays.

A process that stays also gives the memory back that a run has used.
"""

from __future__ import annotations

import gc
from contextlib import suppress

_USUAL = gc.get_threshold()


def collect_seldom() -> None:
    """Look for garbage after 200,000 new objects, because the 110,000 of a start are nearly all code."""
    gc.set_threshold(200_000)


def collect_as_usual() -> None:
    """Look for garbage as Python does by itself, because a process that stays must not keep what it has used."""
    gc.set_threshold(*_USUAL)


def give_back() -> None:
    """Give freed memory back to the system, because the C library keeps what the threads of a run have freed.

    Without it a daemon of 200 feeds grew by a tenth in a day, though Python held no more than before. Does nothing
    where the C library has no `malloc_trim` (glibc has).
    """
    import ctypes  # here, because most commands end without it

    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
