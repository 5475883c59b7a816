"""Look at an installation for a monitor: whether it is ready, and what keeps letters back.

Anybody may ask as often as they like, so a look is shared for some seconds, and for longer where it takes long.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from digest.errors import DigestError
from digest.installation import Installation
from digest.operations.letter_facts import letter_facts
from digest.operations.owed import LetterFacts, Unsent, span_in_words, why_unsent
from digest.store import migrate, open_letters
from digest.store.engine import reading, takes_changes
from digest.store.open_letters import OpenEdition
from subscribers.errors import BadSecret
from subscribers.suppression import check_secret

_SHARED = timedelta(seconds=5)  # the shortest time for which a look is shared
_SHARE = 20  # about this part of the time goes into looks, however often somebody asks
_LONGEST = timedelta(minutes=1)  # for which a look is shared, because a database that was away is back at once
Value = TypeVar("Value")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MonitorLook:
    """Hold what a look at the database at the instant `at` has shown.

    `problems` says in words what is not ready, by check, without personal data or paths. `facts` None: the database
    cannot be worked with. `reasons` tell why letters that are owed do not leave.
    """

    at: datetime
    problems: dict[str, str]
    facts: LetterFacts | None = None
    reasons: tuple[Unsent, ...] = ()
    open_editions: tuple[OpenEdition, ...] = ()


class SharedValue(Generic[Value]):
    """Share a value for at least a time, and for longer where it takes long to make, but never long.

    However often somebody asks, about a twentieth of the time goes into making it. While a new one is made, others
    get the one before, so that a database that hangs keeps no thread of the web pages waiting.
    """

    def __init__(self, make: Callable[[], Value], clock: Callable[[], datetime], least: timedelta) -> None:
        self._make, self._clock, self._least = make, clock, least
        self._lock = threading.Lock()
        self._kept: tuple[datetime, timedelta, Value] | None = None  # made when, how long it is shared, and itself

    def newest(self) -> Value:
        """Return the value, a new one where it is too old; raises what making it raises."""
        kept = self._kept
        if kept is not None and (self._is_fresh(kept) or not self._lock.acquire(blocking=False)):
            return kept[2]
        if kept is None:
            self._lock.acquire()
        try:
            if self._kept is None or not self._is_fresh(self._kept):
                now, began = self._clock(), time.perf_counter()
                value = self._make()
                shared = _SHARE * timedelta(seconds=time.perf_counter() - began)
                self._kept = now, min(max(self._least, shared), _LONGEST), value
            return self._kept[2]
        finally:
            self._lock.release()

    def _is_fresh(self, kept: tuple[datetime, timedelta, Value]) -> bool:
        # Not where the clock was set back either.
        return abs(self._clock() - kept[0]) < kept[1]


class Monitor:
    """Look at one installation for all who ask."""

    def __init__(self, installation: Installation) -> None:
        self._looks = SharedValue(lambda: look_at(installation), installation.clock, _SHARED)

    def look(self) -> MonitorLook:
        """Return the newest look, a new one where that is too old; never raises for the database's sake."""
        return self._looks.newest()


def look_at(installation: Installation) -> MonitorLook:
    """Look at an installation now; what is wrong in detail goes to the log alone, because anybody may ask."""
    now = installation.clock()
    for check, words, examine in _CHECKS:
        try:
            fits = examine(installation)
        except (DigestError, BadSecret, SQLAlchemyError) as error:
            _log.error("not ready: %s: %s", check, error)
            fits = False
        if not fits:
            return MonitorLook(now, {check: words})
    try:
        with reading(installation.engine) as conn:
            editions = open_letters.open_editions(conn)
            facts = letter_facts(conn, installation, editions)
        locked = not takes_changes(installation.engine)
    except (DigestError, SQLAlchemyError) as error:
        _log.error("not ready: database: %s", error)
        return MonitorLook(now, {"database": _AWAY})
    reasons = why_unsent(facts)
    problems = ({"database": _LOCKED} if locked else {}) | _problems(facts, reasons)
    return MonitorLook(now, problems, facts, tuple(reasons), tuple(editions))


def _problems(facts: LetterFacts, reasons: list[Unsent]) -> dict[str, str]:
    """Return what is not ready by check, where the database can be worked with."""
    problems = {}
    if facts.held:
        problems["hold"] = "the database is in HOLD: nothing is mailed until a person has said which letters went out"
    if facts.clock_behind:
        problems["clock"] = "the clock is behind what the database has seen: nothing runs"
    good = facts.runs.good_at or facts.runs.began
    if facts.runs_late:
        problems["last run"] = f"no run has come for more than {span_in_words(facts.patience)}"
    elif facts.runs.failed and good is not None and facts.now - good > facts.patience and not facts.works:
        problems["last run"] = f"every run has failed for more than {span_in_words(facts.patience)}"
    if reasons:
        problems["letters"] = "; ".join(reason.words for reason in reasons)
    return problems


def _reaches(installation: Installation) -> bool:
    with reading(installation.engine):
        return True


def _fits_schema(installation: Installation) -> bool:
    return bool(migrate.check_schema(installation.engine))


def _fits_keys(installation: Installation) -> bool:
    with reading(installation.engine) as conn:
        check_secret(conn, installation.secret)
        installation.link_key_file.check(conn)
    return True


CHECKS = ("database", "schema", "keys", "clock", "hold", "last run", "letters")
_AWAY = "the database cannot be read now"
_LOCKED = "another program holds the database: nothing can be saved now"
_CHECKS: tuple[tuple[str, str, Callable[[Installation], bool]], ...] = (
    ("database", _AWAY, _reaches),
    ("schema", "the tables of the database are not those of this program", _fits_schema),
    ("keys", "the secret or the link keys of this host are not those of the database", _fits_keys),
)
