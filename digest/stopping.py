"""Being asked to stop: the batch under way is finished and written down, then the run ends."""

from __future__ import annotations

import signal
from types import FrameType

_asked = False


def listen() -> None:
    """Take SIGTERM as a wish to stop in order, from here on."""
    signal.signal(signal.SIGTERM, ask)


def ask(_number: int = 0, _frame: FrameType | None = None) -> None:
    """Wish the run to stop after its batch."""
    global _asked
    _asked = True


def asked() -> bool:
    """Return whether somebody wished so."""
    return _asked
