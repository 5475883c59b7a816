"""Keep the counts of editions for the web, so that a page waits for no pass over a hundred thousand readers.

A small edition is counted at once when anything has changed. Of a large one the last counts are answered at once, and
a thread counts again; the answer says so.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from digest.desk.counts import EditionCounts, count_as_it_stands
from digest.editions.approve import appearance_hash
from digest.installation import Installation
from digest.model import Edition
from digest.store import desk_counts
from digest.store.engine import reading
from subscribers import store as people

INLINE = 2_000  # active readers of a cadence up to which a page counts itself
PATIENCE = 2.0  # seconds that a page waits for the first counts of a large edition
# How long counts hold though nothing seems to have changed, because a pause ends without a row.
_AGE = timedelta(minutes=5)
_MOST_KEPT = 8  # editions
_log = logging.getLogger(__name__)

Count = Callable[[Connection, Installation, Edition], EditionCounts]
Name = tuple[str, str]  # cadence and slot, because an edition that is not drafted has no number


@dataclass(frozen=True, slots=True)
class CountsAnswer:
    """Hold the newest counts of an edition, which say at which instant they were made.

    `counts` None: they are made for the first time. `under_way`: something has changed since, and new ones are made.
    """

    counts: EditionCounts | None
    under_way: bool = False


class CountsCache:
    """Answer the counts of unfrozen editions of one installation; pages in several threads may ask at once."""

    def __init__(
        self, installation: Installation, *, inline: int = INLINE, patience: float = PATIENCE,
        count: Count = count_as_it_stands,
    ) -> None:  # fmt: skip
        self._installation = installation
        self._inline, self._patience, self._count = inline, patience, count
        self._lock = threading.Lock()
        self._kept: dict[Name, tuple[Hashable, EditionCounts]] = {}  # with the key they were made for, newest last
        self._waiting: dict[Name, tuple[Hashable, Edition]] = {}  # the first of them is being counted
        self._failed: dict[Name, Exception] = {}
        self._ended = threading.Condition(self._lock)

    def answer(self, conn: Connection, edition: Edition) -> CountsAnswer:
        """Return the counts of an edition that is not frozen, as it stands; its id may be 0 (`next_edition`).

        Raises the error by which counting it for the first time failed.
        """
        return self.answers(conn, [edition])[0]

    def answers(self, conn: Connection, some: Sequence[Edition]) -> list[CountsAnswer]:
        """Return the answers for several editions, which share the queries that tell whether anything changed."""
        shared = self._shared_key(conn)
        return [self._answer(conn, edition, (_own_key(edition), shared)) for edition in some]

    def _answer(self, conn: Connection, edition: Edition, key: Hashable) -> CountsAnswer:
        if (counts := self._newest(edition, key)) is not None:
            return CountsAnswer(counts)
        if people.has_more_than(conn, self._inline, edition.cadence):
            return self._soon(edition, key)
        counts = self._count(conn, self._installation, edition)
        with self._lock:
            self._keep(edition, key, counts)
        return CountsAnswer(counts)

    def _shared_key(self, conn: Connection) -> Hashable:
        """Return a value that differs when counts may: by one cheap query, whatever the number of readers.

        The entries of an edition that a run drafts anew are not read for it: whatever changes them is gathered,
        released, or an act of a person.
        """
        return desk_counts.newest_changes(conn), appearance_hash(self._installation.settings)

    def _newest(self, edition: Edition, key: Hashable) -> EditionCounts | None:
        """Return the kept counts if they are still right, else None."""
        with self._lock:
            kept = self._kept.get(_name(edition))
        is_right = kept is not None and kept[0] == key and self._installation.clock() - kept[1].at < _AGE
        return kept[1] if kept is not None and is_right else None

    def _soon(self, edition: Edition, key: Hashable) -> CountsAnswer:
        """Return the last counts of a large edition, and have the thread make new ones."""
        name = _name(edition)
        with self._lock:
            if name not in self._kept and (error := self._failed.pop(name, None)):
                raise error
            if not self._waiting:
                threading.Thread(target=self._work, name="counts", daemon=True).start()
            asked_before = name in self._waiting
            self._waiting.setdefault(name, (key, edition))
            # Only the first page waits, because an edition that has had its time once takes longer.
            if name not in self._kept and not asked_before:
                self._ended.wait_for(lambda: name not in self._waiting, self._patience)
                if name not in self._kept and (error := self._failed.pop(name, None)):
                    raise error
            kept = self._kept.get(name)
            return CountsAnswer(kept[1] if kept else None, under_way=name in self._waiting)

    def _work(self) -> None:
        """Count the editions that wait, one after another, until none is left."""
        while True:
            with self._lock:
                if not self._waiting:
                    return
                name, (key, edition) = next(iter(self._waiting.items()))
            error, counts = None, None
            try:
                with reading(self._installation.engine) as conn:
                    counts = self._count(conn, self._installation, edition)
            except Exception as caught:
                _log.warning("desk: the readers of %s %s could not be counted: %s", *name, caught)
                error = caught
            with self._lock:
                del self._waiting[name]
                if counts is not None:
                    self._keep(edition, key, counts)
                elif error is not None:
                    self._failed[name] = error
                self._ended.notify_all()

    def _keep(self, edition: Edition, key: Hashable, counts: EditionCounts) -> None:
        self._kept.pop(_name(edition), None)
        self._kept[_name(edition)] = key, counts
        if len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]


def _own_key(edition: Edition) -> Hashable:
    return (
        edition.id, edition.state, edition.held, edition.content_hash, edition.from_release, edition.to_release,
    )  # fmt: skip


def _name(edition: Edition) -> Name:
    return edition.cadence, edition.slot
