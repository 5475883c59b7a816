"""Answer a request within the time that a mail program or a browser waits, however busy the database is."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from digest.store.deadline import answering_within

WITHIN = 7.0  # seconds for all locks of a request; mail programs are seen to give a one-click about ten in all
Answer = TypeVar("Answer")
Asked = ParamSpec("Asked")


def promptly(act: Callable[Asked, Answer], *args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
    """Return what `act` returns; what it asks of the database raises TryLater where locks take longer."""
    with answering_within(WITHIN):
        return act(*args, **kwargs)
