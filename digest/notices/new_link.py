"""Send readers a new link whose old one does not work any more: owed at once, handed over soon, else by a run."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock

from digest.delivery.run import Run
from digest.errors import DigestError, PersonNeeded, TryLater
from digest.installation import Installation
from digest.notices.hand_over import hand_over_owed
from digest.readers.limits import admit, is_flooded
from digest.store import notices
from digest.store.engine import reading, writing
from digest.store.lock import turn_lock
from subscribers.addresses import parse_address
from subscribers.asked import NEW_LINK
from subscribers.consent import on_allow_list
from subscribers.store import find
from subscribers.suppression import address_hash, reasons_for, seal

_KIND = "link"
_AGAIN = timedelta(seconds=30)  # in which a second asking is the same press of a button
_WAITS = (1.0, 4.0, 10.0, 15.0, 30.0, 60.0)  # seconds, while a run holds the lock
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class LinkNotices:
    """Owe and hand over the notices with a new link, for the web process of an installation."""

    installation: Installation
    sleep: Callable[[float], None] = time.sleep
    _busy: Lock = field(default_factory=Lock)
    _asked: bool = False

    def ask(self, email: str, network: str) -> None:
        """Owe a new link to the active subscriber with this address; where there is none, do all but for the mail.

        An address that has had its number within an hour gets no more, nor does a `network` of its day; one that was
        asked for a moment ago gets one, because a button is pressed twice. The caller is
        told nothing of this, because nobody may learn who is a reader. Raises BadAddress, TryLater when too many have
        asked, and PersonNeeded in HOLD, because then nothing would leave for long.
        """
        installation, key = self.installation, parse_address(email).key
        if installation.settings.fence_file.exists() and (why := installation.fence.why()):
            raise PersonNeeded(f"a reader asks for a new link, and the database is in HOLD: {why}")
        if is_flooded(installation, NEW_LINK):
            raise TryLater("too many have asked for a new link within an hour")
        now, secret = installation.clock(), installation.secret
        hashed = address_hash(secret, key)
        with writing(installation.engine, "new link") as conn:
            allowed, person = admit(conn, NEW_LINK, hashed, network, now), find(conn, email)
            again = notices.is_asked_since(conn, _KIND, hashed, now - _AGAIN)
            suppressed = reasons_for(conn, secret, [key])
            is_mailed = not suppressed and on_allow_list(email, installation.settings.only)
            if allowed and not again and is_mailed and person is not None and person.state == "active":
                # With facts, because then it is stored by the very statement that stores a notice that is not owed.
                notices.add(conn, _KIND, person.email, hashed, now, {"asked": "link"})
            else:
                notices.add_none(conn, _KIND, hashed, now)
            seal(conn, secret)

    def hand_over(self) -> None:
        """Hand over what is owed, after a short wait for a run under way; the rest waits for the next run."""
        self._asked = True
        if not self._busy.acquire(blocking=False):
            return  # the thread that is at it looks again
        try:
            while self._asked:
                self._asked = False
                self._try()
        except DigestError as error:
            _log.warning("web: a new link waits for the next run: %s", error)
        finally:
            self._busy.release()

    def _try(self) -> None:
        installation = self.installation
        for wait in (*_WAITS, 0.0):
            if not self._may_send():
                return
            try:
                with turn_lock(installation.engine), closing(installation.transport()) as transport:
                    if why := hand_over_owed(Run(installation, transport)):
                        # Because nobody else is told: a page must not tell whether it had somebody to write to.
                        _log.warning("web: a link by mail waits for the next run: %s", why)
                    return
            except TryLater:
                self.sleep(wait)

    def _may_send(self) -> bool:
        """Return whether anything is owed and may leave from this host, which a host without a fence may not."""
        installation = self.installation
        with reading(installation.engine) as conn:
            if not notices.owed(conn):
                return False
        return installation.settings.fence_file.exists() and not installation.fence.why()
