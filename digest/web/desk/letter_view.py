"""Show a letter on the desk, in a frame that runs and fetches nothing: the letter that a reader would be sent."""

from __future__ import annotations

import html as html_
import re
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from digest.desk import preview as desk_preview
from digest.desk.counts import EditionCounts
from digest.desk.counts_cache import CountsAnswer, CountsCache
from digest.desk.pool import edition_to_work_on
from digest.desk.preview import ChosenReader, PlannedLetter, Preview
from digest.desk.words import LEFT_OUT, masked_address, reason_in_words
from digest.errors import DigestError
from digest.model import Edition
from digest.render import subject_line
from digest.store import editions, entries
from digest.store.engine import reading
from digest.web.desk.page import (
    EDITOR,
    VIEWER,
    Asker,
    Desk,
    DeskAnswer,
    DeskPage,
    NoPage,
    Parameters,
    cadence_in,
    number_in_path,
)
from subscribers import store as people
from subscribers.errors import SubscribersError
from subscribers.model import Interests, Subscriber

WIDTHS = ("fit", "640", "375", "320")  # CSS pixels, or as wide as its column
FORMS = ("html", "text", "raw")
# A frame whose page may do nothing: no script, no form, no way out; pictures of sources only when an editor asks.
_FRAME = (
    "sandbox; default-src 'none'; style-src {style}; img-src {images}; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
_DARK = re.compile(r"@media\s*\(\s*prefers-color-scheme\s*:\s*dark\s*\)")


def letter_values(
    desk: Desk, conn: Connection, edition: Edition, query: Parameters, counted: CountsAnswer
) -> dict[str, Any]:
    """Return the values of the column of the letter of the next edition; the letter itself is in its frame."""
    form = query.text("form") if query.text("form") in FORMS else FORMS[0]
    digests = counted.counts.digests if counted.counts else ()
    place = min(query.number("digest") or 0, max(len(digests) - 1, 0))
    chosen = _chosen(desk, conn, edition, query, counted)
    return {
        "letter": chosen,
        "form": form,
        "forms": FORMS,
        "width": query.text("width") if query.text("width") in WIDTHS else WIDTHS[0],
        "widths": WIDTHS,
        "dark": query.has("dark"),
        "pictures": query.has("pictures"),
        "styles": query.text("styles") != "off",
        "lint": query.has("lint"),
        "digests": digests,
        "digest_place": place,
        "made": {name: query.all(name) for name in ("area", "region", "theme")},
    }


def _chosen(
    desk: Desk, conn: Connection, edition: Edition, query: Parameters, counted: CountsAnswer
) -> dict[str, Any]:  # fmt: skip
    """Return whose letter is shown, what stands in its way, and why the open entry is in it or not."""
    reader = _reader(counted.counts, query)
    chosen: dict[str, Any] = {"reader": reader, "problem": "", "subject": "", "reason": "", "why": "", "findings": []}
    chosen["masked"] = "a made-up reader"
    try:
        whom = _whom(edition.cadence, reader, query)
        shown = _planned(desk, conn, edition, whom, counted)
        if reader:
            chosen["masked"] = _masked(shown.person)
        # Rendered only to be checked, because its frame renders it.
        if shown.sendable and query.has("lint"):
            chosen["findings"] = _findings(desk, desk_preview.rendered(desk.installation, shown))
    except (DigestError, SubscribersError) as error:
        chosen["problem"] = str(error)
        if reader:
            chosen["masked"] = _masked_reader(conn, reader)
        return chosen
    chosen["reason"] = shown.reason
    if shown.digest is None or not shown.sendable:
        chosen["problem"] = shown.reason or "nothing of this edition matches: no letter is written"
    else:
        settings, language = desk.installation.settings, shown.person.language
        chosen["subject"] = subject_line(settings, shown.edition, shown.entries, shown.digest, language)
    if (number := query.number("entry")) is not None:
        chosen["why"] = _why(desk, shown, number)
    return chosen


def _planned(
    desk: Desk, conn: Connection, edition: Edition, whom: ChosenReader, counted: CountsAnswer
) -> PlannedLetter:  # fmt: skip
    """Return a letter of the next edition, of the entries that its counts have where these are of now."""
    counts = None if counted.under_way else counted.counts
    standing = (counts.edition, counts.shown) if counts else (edition, ())
    return desk_preview.plan_next_letter(conn, desk.installation, whom, *standing)


def _reader(counts: EditionCounts | None, query: Parameters) -> int | None:
    """Return the subscriber whose letter is asked for: by id, or the first of a digest, by default the largest.

    None: a made-up reader.
    """
    if (number := query.number("reader")) is not None:
        return number
    if any(query.text(name) for name in ("area", "region", "theme")):
        return None
    return digest_reader(counts, query.number("digest") or 0)


def digest_reader(counts: EditionCounts | None, place: int) -> int | None:
    """Return the first subscriber of a digest by its place, the largest first; None before they are counted."""
    digests = counts.digests if counts else ()
    return digests[min(place, len(digests) - 1)].first if digests else None


def counts_so_far(desk: Desk, conn: Connection, edition: Edition | None) -> CountsAnswer:
    """Return the counts of an edition if some page of this desk has asked for counts, else none."""
    cache: CountsCache | None = desk.kept.get("counts")
    if cache is None or edition is None or not edition.id:
        return CountsAnswer(None)
    return cache.answer(conn, edition)


def letter_asked_for(desk: Desk, cadence: str, number: int, query: Parameters) -> PlannedLetter:
    """Return the letter that the query asks for, planned by the functions that send. Raises as `preview` does."""
    with reading(desk.installation.engine) as conn:
        counted = counts_so_far(desk, conn, editions.get(conn, number))
        whom = _whom(cadence, _reader(counted.counts, query), query)
        following = edition_to_work_on(conn, desk.installation, cadence)
        if number and following.id == number and counted.counts is not None:
            return _planned(desk, conn, following, whom, counted)
    return desk_preview.plan_letter(desk.installation, whom, number or None)


def _whom(cadence: str, reader: int | None, query: Parameters) -> ChosenReader:
    """Return whose letter is meant: a subscriber's, or that of a reader made up by the query."""
    if reader is not None:
        return ChosenReader(email=str(reader), cadence=cadence)
    areas, regions, themes = (frozenset(query.all(name)) for name in ("area", "region", "theme"))
    return ChosenReader(interests=Interests(areas, regions, themes), cadence=cadence)


def _masked(person: Subscriber) -> str:
    """Return a subscriber as editors see them: the number, and the address with its name hidden."""
    return f"reader {person.id}, {masked_address(person.email)}"


def _masked_reader(conn: Connection, reader: int) -> str:
    person = people.get(conn, reader)
    return _masked(person) if person else f"reader {reader}, who is not there"


def _why(desk: Desk, shown: PlannedLetter, number: int) -> str:
    """Return why an entry is in a letter, or why it is not."""
    taxonomy = desk.installation.settings.taxonomy
    if shown.digest is None:
        return f"Entry {number} is not in their letter: {shown.reason}."
    for placed in shown.digest.placed:
        if placed.entry == number:
            return f"Entry {number} is in this letter: {reason_in_words(placed.reason, taxonomy)}."
    for entry, code in shown.digest.left_out:
        if entry == number:
            return f"Entry {number} is not in this letter: {LEFT_OUT.get(code, code)}."
    return f"Entry {number} is not in this edition."


def _findings(desk: Desk, shown: Preview) -> list[Any]:
    from digest.letter.lint import DEFAULT_CLIENTS, NOTE, lint  # here, because few pages check a letter

    assert shown.parcel is not None
    letter, clients = shown.parcel.letter, desk.installation.settings.lint_clients or DEFAULT_CLIENTS
    findings = lint(letter.html_text(), letter.plain_text(), letter.subject, shown.parcel.message, clients)
    return [finding for finding in findings if finding.level != NOTE]


def _seen_by(asker: Asker, person: Subscriber) -> Subscriber:
    """Return a reader as the letter on the desk shows them: with links that act on nobody, because they lack the key.

    A viewer sees neither the reader's name nor their address.
    """
    if not person.id:
        return person
    unbound = replace(person, key="0" * len(person.key))
    return unbound if asker.may(EDITOR) else replace(unbound, name="", email=f"reader-{person.id}@example.org")


def _frame(desk: Desk, asker: Asker, query: Parameters) -> DeskAnswer:
    """Answer the frame of a letter: as html, as text, or as the bytes that would be handed over (but for links)."""
    cadence = cadence_in(desk, query)
    planned = letter_asked_for(desk, cadence, query.number("edition") or 0, query)
    planned = replace(planned, person=_seen_by(asker, planned.person))
    shown = desk_preview.rendered(desk.installation, planned)
    if shown.parcel is None:
        raise NoPage(f"No letter: {shown.reason}.")
    form = query.text("form")
    if form == "raw":
        return plain_frame(shown.parcel.message.decode("utf-8", "replace"))
    if form == "text":
        return plain_frame(shown.parcel.letter.plain_text())
    page = _DARK.sub("@media all" if query.has("dark") else "@media not all", shown.parcel.letter.html_text())
    return html_frame(page, pictures=query.has("pictures"), styles=query.text("styles") != "off")


def _text(desk: Desk, _asker: Asker, query: Parameters) -> DeskAnswer:
    """Answer the frame of an entry's own text, as its source has it, cleaned."""
    number = number_in_path(query, "entry")
    with reading(desk.installation.engine) as conn:
        entry = entries.get(conn, number)
        body = entries.body(conn, number)
    if entry is None:
        raise NoPage(f"There is no entry {number}.")
    body = body or f"<p>{html_.escape(entry.summary or 'The source gives no text.')}</p>"
    language = html_.escape(entry.language or "", quote=True)
    style = (
        "<style>:root{color-scheme:light dark}body{font:1rem/1.55 system-ui,sans-serif;margin:1rem;"
        "max-width:40rem;overflow-wrap:anywhere}</style>"
    )
    # The body takes the focus, because a text without a link could not be scrolled by the keyboard.
    page = f'<!doctype html><html lang="{language}"><meta charset="utf-8">{style}<body tabindex="0">{body}</body>'
    return html_frame(page, pictures=False, styles=True)


def html_frame(page: str, *, pictures: bool, styles: bool) -> DeskAnswer:
    """Return a page for a frame that may do nothing; `pictures`: those of https addresses are fetched."""
    policy = _FRAME.format(
        style="'unsafe-inline'" if styles else "'none'", images="https: data:" if pictures else "data:"
    )
    return DeskAnswer(body=page.encode(), policy=policy)


def plain_frame(text: str) -> DeskAnswer:
    """Return plain text for a frame."""
    style = (
        "<style>:root{color-scheme:light dark}pre{font:.875rem/1.45 ui-monospace,monospace;white-space:pre-wrap;"
        "overflow-wrap:anywhere;margin:1rem}</style>"
    )
    body = f'<body tabindex="0"><pre>{html_.escape(text)}</pre></body>'
    page = f'<!doctype html><meta charset="utf-8"><title>Letter</title>{style}{body}'
    return html_frame(page, pictures=False, styles=True)


PAGES = (
    DeskPage("/desk/{cadence}/letter", VIEWER, get=_frame),
    DeskPage("/desk/entries/{entry}/text", VIEWER, get=_text),
)
