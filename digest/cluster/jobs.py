"""Do one job of the queue: open the thread's installation, call the story, and tell how it ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from digest.cluster.installations import Installations
from digest.cluster.stories import STORIES, JobStory
from digest.cluster.stories import look as look_for_work
from digest.errors import DigestError, SchemaTooNew, SchemaTooOld, TryLater
from digest.installation import Announce, Installation, Work
from digest.store.engine import writing
from digest.system import stopping
from subscribers.errors import SubscribersError

LOOK_EVERY, EVENTS_EVERY = 15, 300  # seconds
_log = logging.getLogger(__name__)


class JobTeller(Protocol):
    """Hear how the jobs of a worker end, from any of its threads."""

    def done(self, work: Work, report: object, seconds: float) -> None:
        """Hear that a job was done, with what its story returned."""

    def later(self, work: Work, why: TryLater) -> None:
        """Hear that a job is left until it is announced again."""

    def problem(self, work: Work, error: Exception) -> None:
        """Hear that a job ended by an error that was raised on purpose."""


@dataclass(frozen=True, slots=True)
class Jobs:
    """Do jobs with one installation for each thread. `stories`: what each kind calls; `look`: what waits now.

    `fatal` holds the errors after which the worker must end.
    """

    installations: Installations
    announce: Announce
    tell: JobTeller
    stories: Mapping[str, JobStory] = field(default_factory=lambda: STORIES)
    look: Callable[[Installation], list[Work]] = look_for_work
    fatal: list[DigestError] = field(default_factory=list)

    def do(self, work: Work) -> None:
        """Do a job, and end well after every error that was raised on purpose: the ledger holds what is left to do.

        Any other error is a mistake of this program: it is logged, and raised so that the job counts as failed.
        """
        begun = time.monotonic()
        report: object = None

        def call(installation: Installation) -> None:
            nonlocal report
            report = self.stories[work.kind](installation, work)

        if self._guarded(work, call):
            self.tell.done(work, report, time.monotonic() - begun)

    def look_and_announce(self, at: int) -> None:
        """Announce all work that waits, each in a transaction of its own. `at`: the second since 1970 of this look.

        A mailbox is read every few minutes only, because its provider counts how often somebody logs in.
        """
        left_out = () if at % EVENTS_EVERY < LOOK_EVERY else ("events",)
        self._guarded(Work("look"), lambda installation: self._announce_waiting(installation, left_out))

    def _announce_waiting(self, installation: Installation, left_out: Collection[str]) -> None:
        for work in self.look(installation):
            if stopping.asked():
                return
            if work.kind in left_out:
                continue
            with writing(installation.engine, "announce") as conn:
                self.announce(conn, work)

    def _guarded(self, work: Work, call: Callable[[Installation], None]) -> bool:
        """Call with the thread's installation; return whether no error ended the call."""
        try:
            with self.installations.opened() as installation:
                call(installation)
        except TryLater as later:
            self.tell.later(work, later)
        except (SchemaTooNew, SchemaTooOld) as error:
            # Another version of this program has taken the database over: this one can do nothing more.
            self.fatal.append(error)
            stopping.request_stop()
        except (DigestError, SubscribersError) as error:
            self.tell.problem(work, error)
        except Exception as error:
            _log.exception("job %s %s: a mistake of this program, please report it", work.kind, work.key)
            raise JobFailed(f"{work.kind} {work.key}: {type(error).__name__}") from None
        else:
            return True
        return False


class JobFailed(Exception):
    """A job ended by an error that nothing above foresaw; its words are in the log only."""
