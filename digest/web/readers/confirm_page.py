"""Let somebody confirm, by the link of a mail, that they want letters; only the press of the button makes it true."""

from __future__ import annotations

from digest.letter.words import Words
from digest.readers.confirm import NothingToConfirm, WaitingWish, make_true, waiting_for
from digest.web.readers.choosing import choices_of
from digest.web.readers.join_page import consent_of
from digest.web.readers.message import ReaderMessage, told
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit
from digest.web.readers.yours_move import ask_about_move, tell_moved
from subscribers import forms
from subscribers.confirmations import MOVE
from subscribers.errors import BadToken, NotAllowed
from subscribers.forms import Choice
from subscribers.tokens import make_token


def _show(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    try:
        waiting = waiting_for(pages.installation, visit.token)
    except (BadToken, NothingToConfirm) as error:
        return _not_known(pages, visit, error)
    if waiting.done:
        return _done(pages, waiting)
    if waiting.kind == MOVE:
        return ask_about_move(pages, waiting.person)
    person = waiting.person
    words = pages.words(person.language)
    values = {
        "back": waiting.kind == "back",
        "email": forms.masked(person.email),
        "rows": _rows(pages, words, waiting),
        "consent": consent_of(pages, words),
    }
    return ReaderAnswer("readers/confirm.html.j2", words, values)


def _press(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    installation = pages.installation
    try:
        words = pages.words(waiting_for(installation, visit.token).person.language)
        consent = (words.language, consent_of(pages, words))
        make_true(installation, visit.token, visit.network, consent)
        # A notice to the address before a move is owed.
        return ReaderAnswer(location=f"/confirm/{visit.token}", sends=True)
    except (BadToken, NothingToConfirm) as error:
        return _not_known(pages, visit, error)
    except NotAllowed:
        words = pages.words_of(visit)
        line = words.say("not_written_to", editors=pages.editors)
        return told(words, ReaderMessage(words.say("confirm_not_title"), [line], 409))


def _done(pages: ReaderPages, waiting: WaitingWish) -> ReaderAnswer:
    if waiting.kind == MOVE:
        return tell_moved(pages, waiting.person)
    person = waiting.person
    words = pages.words(person.language)
    token = make_token(pages.installation.link_keys, "preferences", person.id, person.key)
    lines = [words.say("confirm_done", email=forms.masked(person.email)), words.say("confirm_first")]
    links = [(f"{pages.root}/yours/{token}", words.say("confirm_yours"))]
    message = ReaderMessage(
        words.say("confirm_done_title"), lines, done=True, summary=_rows(pages, words, waiting), links=links
    )
    return told(words, message)


def _rows(pages: ReaderPages, words: Words, waiting: WaitingWish) -> list[tuple[str, list[Choice]]]:
    """Return what a person chose as (heading, choices) rows."""
    rows = []
    for facet, chosen in forms.followed_options(choices_of(pages, words), waiting.person):
        if facet == "carry_over":
            continue  # because the form to join does not ask for it
        named = [Choice("", words.say("yes")) if each.name == "" else each for each in chosen]
        rows.append((words.form("legend", facet), named or [Choice("", words.form("follows_none", facet))]))
    return rows


def _not_known(pages: ReaderPages, visit: Visit, error: Exception) -> ReaderAnswer:
    """Return the page for a link that is damaged, too old, or whose wish is not kept any more."""
    words = pages.words_of(visit)
    old = isinstance(error, NothingToConfirm) or "too old" in str(error)
    lines = [
        words.form("confirm_link", "old" if old else "damaged"),
        words.say("confirm_again", editors=pages.editors),
    ]
    links = [(f"{pages.root}/join", words.say("join_link"))] if pages.offers_join else []
    title = words.say("confirm_old_title" if old else "bad_link_title")
    return told(words, ReaderMessage(title, lines, 410 if old else 404, links=links))


PAGES = (ReaderRoute("/confirm/{token}", _show, _press),)
