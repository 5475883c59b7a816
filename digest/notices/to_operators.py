"""Owe the operators a notice when something keeps letters back, and when that is over; never about HOLD.

In HOLD no mail leaves, so that a copy of the database on another machine mails nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

from digest.installation import Installation
from digest.model import Site
from digest.operations.troubles import ToldTrouble, TroubleNews, open_troubles, what_is_news
from digest.store import notices, runs
from digest.store.engine import reading, writing
from digest.store.notices import ALARM
from subscribers.addresses import parse_address
from subscribers.consent import on_allow_list
from subscribers.suppression import address_hash, is_suppressed, seal

# Only these suppressions count for an operator, because mail that bounces or annoys may cost the mail account.
_NEVER = ("bounced", "complained")


def alarm_operators(installation: Installation, failed: list[str]) -> dict[str, ToldTrouble]:
    """Owe the operators a notice of what is news at the end of a run; return what the run's account has to remember.

    `failed` are the lines by which the run tells that editions failed. A run that is killed between this and its
    account tells the same again.
    """
    now = installation.clock()
    with reading(installation.engine) as conn:
        before = {key: ToldTrouble(*row) for key, row in runs.newest_troubles(conn).items()}
        news = what_is_news(before, list(open_troubles(conn, installation, failed)), now)
    if news.begun or news.over:
        with writing(installation.engine, "alarm") as conn:
            _owe(conn, installation, news)
    return news.kept


def _owe(conn: Connection, installation: Installation, news: TroubleNews) -> None:
    secret, now, document = installation.secret, installation.clock(), asdict(news)
    facts = {part: document[part] for part in ("begun", "over")}
    for email in installation.settings.operate.alarm_to:
        if not why_no_operator(conn, installation, email):
            hashed = address_hash(secret, parse_address(email).key)
            notices.add(conn, ALARM, email, hashed, now, facts)
            # As for a letter: the hash of the address holds with this secret only.
            seal(conn, secret)


def why_no_operator(conn: Connection, installation: Installation, email: str) -> str:
    """Return why an address must not get an alarm, or ""; an operator need not be a reader."""
    if email not in installation.settings.operate.alarm_to:
        return "it is not in [operate] alarm_to"
    suppressed = is_suppressed(conn, email, secret=installation.secret)
    if suppressed in _NEVER:
        return f"it is suppressed ({suppressed})"
    return "" if on_allow_list(email, installation.settings.only) else "it is not in [transport] only"


def words_to_operators(site: Site, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the subject and the paragraphs of an alarm."""
    begun = [f"{_sentence(problem)} The cure: {cure}." for _key, problem, cure in facts["begun"]]
    over = [f"Over by now: {problem}." for problem in facts["over"]]
    subject = f"{site.name}: letters need an operator" if begun else f"{site.name}: a trouble is over"
    last = "Each trouble is told once. You get this because [operate] alarm_to in config.toml names your address."
    return subject, *begun, *over, last


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
