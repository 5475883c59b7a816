"""Send a test letter: the letter that a chosen reader would get of an edition, to an address that an editor types.

It is planned and rendered by the functions that preview and send use, marked as a test, and handed over as a notice:
it counts in no receipt. Nothing in it names or acts on a subscriber: it greets a made-up reader, and the links that
would be the reader's own lead to a page that says so.
"""

from __future__ import annotations

import re
import textwrap
from html import escape
from typing import NamedTuple

from digest.desk.acts import Hand, record
from digest.desk.arrange import edition_name
from digest.desk.preview import MADE_UP, ChosenReader, PlannedLetter, plan_letter
from digest.desk.words import masked_address
from digest.errors import WrongUse
from digest.installation import Installation
from digest.letter import views
from digest.letter.blocks import Assembled, ReaderFacts
from digest.letter.inert import visible
from digest.letter.mime.quoted_printable import encode
from digest.letter.text_part import COLUMNS
from digest.model import Edition
from digest.notices.hand_over import check_may_mail, hand_over_now, owe_notice
from digest.store.engine import writing
from digest.store.notices import LETTER, Notice
from subscribers.addresses import parse_address

MARK = "TEST: "  # begins the subject
NOWHERE = "test"  # stands in place of a token in the links that would be a reader's own
_BODY = re.compile(r"<body\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
# Colours of its own, because it stands above any letter, light or dark.
_STYLE = (
    "margin: 0; padding: 12px 20px; border: 2px solid #8a1f11; background: #ffffff; color: #8a1f11;"
    " font: bold 16px/1.5 Helvetica, Arial, sans-serif; text-align: left"
)


class SentTest(NamedTuple):
    """Hold the notice by which a test letter was handed over, as it stands then, and the edition it is of."""

    notice: Notice
    edition: Edition


def send_test_letter(
    installation: Installation, hand: Hand, address: str, reader: ChosenReader, edition: int | None = None
) -> SentTest:
    """Mail an address the letter that a reader would get of an edition (None: of the one that `preview` shows).

    Raises WrongUse where the reader would get no letter, and what `give_notice` raises. The act is recorded with the
    edition, with the domain of the address and its first letter alone. It is not checked against what the person has
    seen, because it changes nothing of the edition.
    """
    to = parse_address(address)
    planned = plan_letter(installation, reader, edition)
    if planned.digest is None or not planned.sendable:
        raise WrongUse(f"this reader would get no letter: {planned.reason}; nothing was sent")
    letter = marked(render_test(installation, planned), _line(installation, planned.edition, hand))
    facts = {"subject": letter.subject} | {
        part: b"".join(pieces).decode("ascii")
        for part, pieces in (("html", letter.html_pieces), ("text", letter.text_pieces))
    }
    check_may_mail(installation)
    with writing(installation.engine, "test letter") as conn:
        owed = owe_notice(conn, installation, LETTER, to.email, facts)
        record(conn, installation, hand, "test letter", _name(planned.edition), ({}, {"to": masked_address(to.key)}))
    return SentTest(hand_over_now(installation, owed), planned.edition)


def render_test(installation: Installation, planned: PlannedLetter) -> Assembled:
    """Return the letter of a planned digest as a made-up reader of the same interests and language gets it."""
    assert planned.digest is not None
    letters, language = planned.letters(installation), planned.person.language
    letter = letters.of(language)
    nowhere = f"{installation.settings.site.base_url}/letters/{NOWHERE}"
    interests = views.interests(letter.book.words, letter.book.taxonomy, planned.person.interests)
    links = (nowhere, nowhere, nowhere, nowhere)
    facts = ReaderFacts("", MADE_UP, *links, interests, nowhere, top_lines=planned.told)
    return letters.render(language, planned.digest, facts)


def marked(letter: Assembled, line: str) -> Assembled:
    """Return a letter whose subject and first line say that it is a test."""
    html = letter.html_text()
    body = _BODY.search(html)
    at = body.end() if body else 0
    sign = f'<div lang="en" dir="ltr" style="{_STYLE}">{escape(line)}</div>\n'
    page, text = html[:at] + "\n" + sign + html[at:], f"{textwrap.fill(line, COLUMNS)}\n\n{letter.plain_text()}"
    return Assembled(MARK + letter.subject, [encode(page)], [encode(text)])


def _line(installation: Installation, edition: Edition, hand: Hand) -> str:
    """Return the line at the top: whose edition it is, who had the test sent, and that its links do nothing."""
    number = f"edition {edition.id}" if edition.id else "not drafted yet"
    return (
        f"This is a test. It shows the {edition.cadence} edition of {visible(installation.settings.site.name)} of"
        f" {edition.slot} ({number}) as a reader would get it. {visible(hand.by)} had it sent to you. You are not"
        " subscribed by it, and its links to change or end a subscription do nothing."
    )


def _name(edition: Edition) -> str:
    return edition_name(edition.id) if edition.id else f"{edition.cadence} {edition.slot}"
