"""Wait for what another server may hold up, but not for longer than an editor, or a proxy, waits for a page."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Answer = TypeVar("Answer")
_log = logging.getLogger(__name__)


def in_time(seconds: float, act: Callable[[], Answer], in_words: Callable[[Answer], str]) -> Answer | None:
    """Return what `act` returns, or raise what it raises; None when it takes longer: it goes on then.

    The log has what comes later: the answer `in_words`, or the error.
    """
    outcome: Future[Answer] = Future()

    def work() -> None:
        try:
            outcome.set_result(act())
        except Exception as error:
            outcome.set_exception(error)

    # A daemon, because a mail server that takes minutes must not keep this process from ending.
    threading.Thread(target=work, name="in time", daemon=True).start()
    try:
        return outcome.result(seconds)
    except TimeoutError:
        if outcome.done():  # just now, or by an error of this kind
            return outcome.result()
    outcome.add_done_callback(lambda late: _tell(late, in_words))
    return None


def _tell(outcome: Future[Answer], in_words: Callable[[Answer], str]) -> None:
    told = outcome.exception() or in_words(outcome.result())
    _log.warning("desk: after its page was answered: %s", told)
