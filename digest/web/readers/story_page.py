"""Let a place tell its own story by the link of an editor's invitation: save it, come back later, and send it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from digest.learning.given import GIVABLE
from digest.learning.levels import LEVELS
from digest.letter.words import Words
from digest.readers.story import (
    MOST,
    MOST_LINES,
    MOST_OF_LINES,
    StoryParts,
    invited_by_link,
    look_of,
    may_be_told,
    parts_of,
    parts_to_store,
    save_draft,
    send_story,
    story_mistakes,
    told_parts,
    too_long,
)
from digest.readers.words import page_languages
from digest.store import entries
from digest.store.engine import reading, writing
from digest.store.invitations import ENDED, Invitation
from digest.web.readers.message import ReaderMessage, told
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit
from subscribers.errors import BadToken
from subscribers.forms import Choice
from subscribers.tokens import read_token

_NO_MISTAKE: Mapping[str, str] = {}
_LATE = {"late": "late"}


def _show(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    with reading(pages.installation.engine) as conn:
        invitation = _invited(pages, conn, visit)
        if invitation is None or not may_be_told(invitation):
            return _closed(pages, visit, invitation)
        return _form(pages, conn, visit, invitation, parts_of(invitation))


def _save(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    parts, sends, agreed = told_parts(_fields(visit)), visit.text("do") == "send", bool(visit.text("agree"))
    with writing(pages.installation.engine, "story") as conn:
        invitation = _invited(pages, conn, visit, hold=True)
        if invitation is None or not may_be_told(invitation):
            return _closed(pages, visit, invitation)
        # The same words once more are no other draft: a double click saves them twice.
        if visit.text("look") != look_of(invitation) and parts_to_store(parts) != parts_to_store(
            parts_of(invitation)
        ):
            wrong: Mapping[str, str] = _LATE
        elif sends:
            wrong = story_mistakes(parts, is_new=invitation.entry is None, agreed=agreed)
        else:
            wrong = too_long(parts)
        if wrong:
            return _form(pages, conn, visit, invitation, parts, wrong)
        if sends:
            send_story(conn, pages.installation, invitation, parts)
        else:
            save_draft(conn, invitation, parts)
    chosen = visit.text("language")
    language = f"&language={chosen}" if chosen in page_languages(pages.settings) else ""
    return ReaderAnswer(location=f"/story/{visit.token}?done={'sent' if sends else 'saved'}{language}")


def _invited(pages: ReaderPages, conn: Connection, visit: Visit, *, hold: bool = False) -> Invitation | None:
    """Return the invitation that the link in the address names, None for a link that is damaged, old or unknown."""
    try:
        link = read_token(pages.installation.link_keys, "story", visit.token, now=pages.now)
    except BadToken:
        return None
    return invited_by_link(conn, link, hold=hold)


def _fields(visit: Visit) -> Callable[[str], str]:
    """Return a function that gives the text of a field as it was typed."""
    return lambda name: next((value for key, value in reversed(visit.fields) if key == name), "")


def _form(
    pages: ReaderPages, conn: Connection, visit: Visit, invitation: Invitation, parts: StoryParts,
    wrong: Mapping[str, str] = _NO_MISTAKE,
) -> ReaderAnswer:  # fmt: skip
    """Return the page with the form, `wrong` as {field: code of what is wrong}."""
    entry = entries.get(conn, invitation.entry) if invitation.entry else None
    values = {
        # In the form and in links of its languages, because nobody knows the language of who comes by this link.
        "chosen_language": visit.text("language"),
        "parts": parts,
        "wrong": wrong,
        "saved": visit.text("done") == "saved" and not wrong,
        "note": (invitation.story or {}).get("note", ""),
        "entry": entry,
        "begins": bool(invitation.given.get("lines")),
        "names": GIVABLE,
        "levels": LEVELS,
        "look": look_of(invitation),
        "agreed": bool(visit.text("agree")) and bool(wrong),
        "most": {**MOST, "lines": MOST_LINES, "of_lines": MOST_OF_LINES},
    }
    status = 409 if wrong is _LATE else 400 if wrong else 200
    return ReaderAnswer("readers/story.html.j2", pages.words_of(visit), values, status)


def _closed(pages: ReaderPages, visit: Visit, invitation: Invitation | None) -> ReaderAnswer:
    """Return the page of a story that was sent or taken, of an ended invitation, or of a link that is not known."""
    words = pages.words_of(visit)
    state = invitation.state if invitation else "unknown"
    title, lines = words.form("story_state_title", state), [words.form("story_state", state, editors=pages.editors)]
    if invitation is None or state == ENDED:
        return told(words, ReaderMessage(title, lines, 410 if invitation else 404))
    return told(words, ReaderMessage(title, lines, done=True, summary=_summary(words, parts_of(invitation))))


def _summary(words: Words, parts: StoryParts) -> list[tuple[str, list[Choice]]]:
    """Return what was sent, as (heading, [text]) rows."""
    plain = [(name, getattr(parts, name)) for name in MOST if getattr(parts, name)]
    rows = [(words.form("story_field", name), text) for name, text in plain]
    rows += [(words.form("story_line", name), line) for name, line in parts.ingredients()]
    return [(heading, [Choice("", text)]) for heading, text in rows]


PAGES = (ReaderRoute("/story/{token}", _show, _save),)
