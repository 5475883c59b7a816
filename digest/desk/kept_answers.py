"""Keep what takes long to read for the web: a page shows the last answer, while a thread makes the next one."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

Answer = TypeVar("Answer")
PATIENCE = 1.0  # seconds that a page waits for an answer that was never made before
_MOST_KEPT = 8
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptAnswer(Generic[Answer]):
    """Hold the last answer, None before the first; `under_way`: something has changed, and a new one is made."""

    answer: Answer | None
    under_way: bool = False


class KeptAnswers(Generic[Answer]):
    """Keep the answers to a few questions, by number; pages in several threads may ask at once."""

    def __init__(self, *, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)
        self._kept: OrderedDict[int, tuple[Hashable, Answer]] = OrderedDict()
        self._failed: dict[int, Exception] = {}
        self._at_work: set[int] = set()

    def ask(self, number: int, key: Hashable, make: Callable[[], Answer], *, at_once: bool) -> KeptAnswer[Answer]:
        """Return the kept answer if it was made for `key`, else make it: at once, or in a thread.

        Raises the error by which it was made in vain.
        """
        with self._lock:
            kept = self._kept.get(number)
            if kept is not None and kept[0] == key:
                return KeptAnswer(kept[1])
        if at_once:
            answer = make()
            self._keep(number, key, answer)
            return KeptAnswer(answer)
        return self._soon(number, key, make)

    def _soon(self, number: int, key: Hashable, make: Callable[[], Answer]) -> KeptAnswer[Answer]:
        with self._lock:
            asked_before = number in self._at_work
            if not asked_before:
                self._at_work.add(number)
                work = threading.Thread(target=self._work, args=(number, key, make), name="kept answer", daemon=True)
                work.start()
            # Only the first page waits, because what has had its time once takes longer.
            if number not in self._kept and not asked_before:
                self._ended.wait_for(lambda: number not in self._at_work, self._patience)
            if number not in self._at_work and (error := self._failed.pop(number, None)):
                raise error
            kept = self._kept.get(number)
            return KeptAnswer(kept[1] if kept else None, under_way=number in self._at_work)

    def _work(self, number: int, key: Hashable, make: Callable[[], Answer]) -> None:
        try:
            self._keep(number, key, make())
        except Exception as error:
            _log.warning("desk: the details of edition %s could not be read: %s", number, error)
            with self._lock:
                self._failed[number] = error
        finally:
            with self._lock:
                self._at_work.discard(number)
                self._ended.notify_all()

    def _keep(self, number: int, key: Hashable, answer: Answer) -> None:
        with self._lock:
            self._kept[number] = key, answer
            self._kept.move_to_end(number)
            self._failed.pop(number, None)
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
