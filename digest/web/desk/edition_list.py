"""Show the first page of the desk: the editions due, what waits for whom, the past editions, and findings."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy import Connection

from digest.desk.counts_cache import CountsAnswer
from digest.desk.editions_listed import DueEdition, read_editions
from digest.errors import DigestError
from digest.store.engine import reading
from digest.web.desk.edition_page import counts_cache
from digest.web.desk.page import VIEWER, Asker, Desk, DeskAnswer, DeskPage, Parameters
from subscribers.errors import SubscribersError

_MOST_PAGES = 10_000
_log = logging.getLogger(__name__)


def _editions(desk: Desk, _asker: Asker, query: Parameters) -> DeskAnswer:
    installation = desk.installation
    page = min(max(query.number("page") or 1, 1), _MOST_PAGES)
    with reading(installation.engine) as conn:
        listed = read_editions(conn, installation, page)
        counts = _counts(desk, conn, listed.due)
    values = {
        "title": "Editions",
        "listed": listed,
        "counts": counts,
        "counting": any(answer is not None and answer.under_way for answer in counts.values()),
        "number": page,
        "has_sources": bool(installation.settings.sources),
        "readers": sum(each.readers for each in listed.due),
        "levels": {"wrong": "wrong", "person": "a person is needed", "note": "note"},
    }
    return DeskAnswer("editions.html.j2", values)


def _counts(desk: Desk, conn: Connection, due: Sequence[DueEdition]) -> dict[str, CountsAnswer | None]:
    """Return the counts of each cadence that has readers, None where they could not be made."""
    followed = [each for each in due if each.readers]
    try:
        answers = counts_cache(desk).answers(conn, [each.edition for each in followed])
    except (DigestError, SubscribersError) as error:
        # The page is shown all the same, because it tells what is wrong, and this may be why.
        _log.warning("desk: the readers of the editions could not be counted: %s", error)
        return dict.fromkeys(each.cadence.name for each in followed)
    return {each.cadence.name: answer for each, answer in zip(followed, answers, strict=True)}


PAGES = (DeskPage("/desk", VIEWER, get=_editions),)
