"""Find what is wrong with the mailbox of bounces for `digest doctor`: that it cannot be read, or what waits in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from digest.delivery.waiting_mail import WaitingMail, waiting_mail
from digest.errors import DigestError, TryLater, counted
from digest.installation import Installation
from digest.operations.finding import Finding
from digest.operations.owed import span_in_words
from digest.transports.mailbox.mailbox import open_mailbox
from subscribers.errors import BadSecret


def mailbox_findings(installation: Installation, *, can_ask_database: bool = True) -> Iterator[Finding]:
    """Yield why the mailbox of bounces cannot be read, or what waits in it; a server that is away is a note.

    Only the database tells whose reports the messages are; where it cannot be asked, the mailbox is opened alone.
    """
    events, waiting = installation.settings.events, WaitingMail()
    if not events.mailbox:
        return
    try:
        box = open_mailbox(events.mailbox, events.password, events.ca_file, to_mark=False)
        try:
            # Suppressed, because a finding on the secret tells it.
            with suppress(BadSecret):
                waiting = waiting_mail(installation, box) if can_ask_database else waiting
        finally:
            box.close()
    except DigestError as error:
        problem, _, cure = str(error).removeprefix("events.mailbox: ").partition("; ")
        yield Finding("note" if isinstance(error, TryLater) else "wrong", "events.mailbox", problem, cure)
    if waiting.messages:
        yield _waiting(installation, waiting)


def _waiting(installation: Installation, waiting: WaitingMail) -> Finding:
    """Return the finding of messages that wait for a person; it tells nothing of what is in them."""
    at_least = "at least " if waiting.more else ""
    problem = f"{at_least}{counted(waiting.messages, 'unread message waits', 'unread messages wait')} for a person"
    if waiting.since is not None:
        ago = span_in_words(installation.clock() - waiting.since)
        problem += f", the oldest since {waiting.since:%Y-%m-%d %H:%M} UTC ({ago})"
    cure = "read them in the mailbox, answer, and mark them as read"
    if installation.settings.events.mailbox.startswith("mbox:"):
        cure = "read them, answer, and take them out of the file, because nothing is marked in an mbox"
    return Finding("person", "events.mailbox", problem, cure)
