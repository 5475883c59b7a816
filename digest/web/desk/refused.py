"""Make the pages that say why a request was not done; what its sender typed stands on them, so that it is not lost.

A browser's Back does not always bring a form back as it was typed, because no page of the desk is kept by a browser.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from digest.errors import ConfigError, DigestError, PersonNeeded, SchemaTooNew, SchemaTooOld, TryLater, WrongUse
from digest.installation import Installation
from digest.store.engine import NoDatabase
from digest.store.sqlstate import DatabaseAway
from digest.web.desk.page import DeskAnswer, Parameters
from subscribers.errors import SubscribersError

_PAGE = "refusal.html.j2"
_FAULT = "A fault of the program, and it is in the log of the server. Look whether it was done before you go on."
_IN_THE_LOG = "Try again in a few minutes. Whoever runs this desk finds the reason in the log of the server."
# Fields that the page sets, not a person.
_OF_THE_PAGE = ("csrf", "seen", "at", "hash", "look", "edition", "number", "cadence", "ticks")
_SHORT = 80  # characters of a value that is shown in one line
_PASSING, _REPAIR = "60", "600"  # seconds after which it is worth trying again: by itself, or when a person has acted
_log = logging.getLogger(__name__)

Pairs = Sequence[tuple[str, str]]


def refused(status: int, title: str, text: str) -> DeskAnswer:
    """Return the page with a title and a sentence that says why, and what to do."""
    return DeskAnswer(_PAGE, {"title": title, "text": text}, status=status)


def answer_of(error: Exception, back: str = "", *, stranger: bool = False) -> DeskAnswer:
    """Return the page that tells an error, and write to the log what the operator must mend; `back` leads to a form.

    A stranger is not told what concerns the machine.
    """
    if not isinstance(error, (DigestError, SubscribersError)):
        _log.error("desk: a fault of the program", exc_info=error)
        return refused(500, "Something went wrong here", _FAULT)
    if _is_for_operator(error):
        passing = isinstance(error, TryLater)
        _log.log(logging.WARNING if passing else logging.ERROR, "desk: %s", error)
        title = "Not just now" if passing else "The desk cannot do this until something is mended"
        # Where the database is helps no editor, and an address of a machine is no business of a stranger.
        untold = stranger or isinstance(error, DatabaseAway)
        page = refused(503, title, _IN_THE_LOG if untold else _sentence(error))
        return replace(page, headers={"Retry-After": _PASSING if passing else _REPAIR})
    values = {"title": "Not done", "text": _sentence(error), "back": back}
    return DeskAnswer(_PAGE, values, status=409 if isinstance(error, PersonNeeded) else 400)


def behind(installation: Installation, error: Exception) -> Exception:
    """Return what to tell of an error: that another database was put in its place, where it comes of that."""
    if isinstance(error, SubscribersError) or (isinstance(error, DigestError) and not _is_for_operator(error)):
        return error
    try:
        installation.require_schema()
    except DigestError as cause:
        return cause if isinstance(cause, WrongUse) else error
    return error


def with_what_was_sent(answer: DeskAnswer, pairs: Pairs, *, again: bool) -> DeskAnswer:
    """Return a refusal with what was typed into the form; `again`: with a button that sends the same once more.

    The button is for what may work the next time: the same mistake would be refused again.
    """
    if answer.template != _PAGE:
        return answer
    typed = [
        (name.replace("_", " "), value, len(value) > _SHORT or "\n" in value)
        for name, value in pairs
        if name not in _OF_THE_PAGE and not name.startswith(("own_", "was-")) and value.strip()
    ]
    repeated = [pair for pair in pairs if pair[0] != "csrf"] if again and answer.status >= 500 else []
    return replace(answer, values={**answer.values, "typed": typed, "again": repeated})


def sent_from(form: Parameters, own: str = "") -> str:
    """Return the address of the page that a form was sent from, as far as the form tells it.

    `own` is the address that the form was sent to, where that has a page.
    """
    cadence, edition = form.path.get("cadence", ""), form.path.get("edition", "")
    below = cadence or (f"edition/{edition}" if edition else "")
    query = urlencode(parse_qsl("".join(form.all("at")[-1:])))
    return (own or (f"/desk/{below}" if below else "/desk")) + (f"?{query}" if query else "")


def _is_for_operator(error: Exception) -> bool:
    """Return whether the sender of a form can do nothing about an error, and the operator can."""
    return isinstance(error, (TryLater, NoDatabase, SchemaTooNew, ConfigError, SchemaTooOld)) or (
        isinstance(error, DigestError) and not isinstance(error, (WrongUse, PersonNeeded))
    )


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]
