"""Being asked to stop: what is under way is finished and written down, then the run ends."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_asked = False
_told: list[Callable[[], None]] = []


def listen() -> None:
    """Take SIGTERM as a wish to stop in order, from here on."""
    signal.signal(signal.SIGTERM, request_stop)


def request_stop(_number: int = 0, _frame: FrameType | None = None) -> None:
    """Wish the run to stop after its batch. Fit for a signal handler."""
    global _asked
    _asked = True
    for one in tuple(_told):
        one()


def asked() -> bool:
    """Return whether somebody wished so."""
    return _asked


@contextmanager
def telling(one: Callable[[], None]) -> Iterator[None]:
    """Have `one` called once somebody wishes so while the block lasts, or at once; it must be fit for a handler."""
    _told.append(one)
    try:
        # Asked between two looks: told here, or by `ask`; being told twice must do no harm.
        if _asked:
            one()
        yield
    finally:
        _told.remove(one)
