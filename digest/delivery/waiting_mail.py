"""Count the messages in the mailbox of bounces that wait for a person; mark and store nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from itertools import islice
from typing import NamedTuple

from digest.delivery.events_in import report_reader
from digest.installation import Installation, is_secret_used
from digest.ledger.events import Event
from digest.store.engine import reading
from digest.transports.mailbox.mailbox import Mailbox
from digest.transports.mailbox.reports import NoReport, arrived, read_report

MOST = 1000  # unread messages that are read, because a flood of them would take minutes


class WaitingMail(NamedTuple):
    """Hold how many unread messages wait for a person, since when the oldest does where it tells that.

    `more`: there are unread messages beyond MOST that were not looked at.
    """

    messages: int = 0
    since: datetime | None = None
    more: bool = False


def waiting_mail(installation: Installation, box: Mailbox, most: int = MOST) -> WaitingMail:
    """Return what waits in a mailbox: the messages that `digest events` leaves unread, or would once it saw them.

    Raises as `Mailbox.unread` does, and BadSecret when the keys of tags or links are lost.
    """
    read, now = _reader(installation), installation.clock()
    count, since, more = 0, None, False
    for number, (_, raw) in enumerate(islice(box.unread(), most + 1)):
        if number == most:
            more = True
            break
        try:
            read(raw)
        except NoReport as report:
            if not report.machine:
                count += 1
                at = arrived(raw, now)
                since = min(since or at, at) if at else since
    return WaitingMail(count, since, more)


def _reader(installation: Installation) -> Callable[[bytes], Event]:
    """Return what reads a message, and never makes a secret: before the first one no letter has left."""
    with reading(installation.engine) as conn:
        if is_secret_used(conn):
            return report_reader(installation)
    return partial(read_report, read_tag=lambda _text: None, read_link=lambda _text: None, now=installation.clock())
