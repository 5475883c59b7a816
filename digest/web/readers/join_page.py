"""Let people ask for letters: the page with its form, the same form in a frame of another site, and for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from digest.letter.words import Words
from digest.readers.join import FromPage, ask_to_join
from digest.readers.lately import ChoiceKey, tell_lately
from digest.readers.words import page_languages
from digest.store.engine import reading
from digest.web.readers.choosing import choices_of
from digest.web.readers.message import ReaderMessage, told
from digest.web.readers.origins import is_welcome
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit
from subscribers.forms import FACETS
from subscribers.join_form import TRAP, WHOLE, Joining, Mistake, join_fields, read_join
from subscribers.model import Interests

FRAMED = "/join/form"


def consent_of(pages: ReaderPages, words: Words) -> str:
    """Return the words that people agree to, on the page to join and on that to confirm."""
    return words.say("join_consent", name=pages.settings.site.name)


def _show(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    words = pages.words_of(visit)
    if visit.text("done") == "asked":
        return told(words, ReaderMessage(words.say("look_in_mailbox"), _asked_lines(pages, words), done=True))
    # Only choices, so that a page can link to the form with what it is about; an address never stands in a link.
    chosen = [(name, value) for name, value in visit.fields if name in ("cadence", *FACETS)]
    typed, _ = read_join(chosen, choices_of(pages, words), page_languages(pages.settings), _fresh(pages, words))
    return _page(pages, words, typed, framed=False)


def _show_framed(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    words = pages.words_of(visit)
    if visit.text("done") == "asked":
        values = {"title": words.say("look_in_mailbox"), "lines": _asked_lines(pages, words)}
        return ReaderAnswer("readers/framed.html.j2", words, values)
    return _page(pages, words, _fresh(pages, words), framed=True)


def _take(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    return _taken(pages, visit, framed=False)


def _take_framed(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    return _taken(pages, visit, framed=True)


def _taken(pages: ReaderPages, visit: Visit, *, framed: bool) -> ReaderAnswer:
    words = pages.words_of(visit)
    if not is_welcome(pages, visit.origin):
        return _foreign(words, visit)
    choices, languages = choices_of(pages, words), page_languages(pages.settings)
    typed, mistakes = read_join(visit.fields, choices, languages, _fresh(pages, words))
    if mistakes:
        return _mistaken(pages, visit, typed, mistakes, framed=framed)
    if not visit.text(TRAP):
        ask_to_join(pages.installation, typed, FromPage(visit.network, words.language, consent_of(pages, words)))
    if visit.wants_json:
        message = " ".join(_asked_lines(pages, words))
        return replace(_json(200, {"status": "asked", "message": message}), sends=True)
    chosen = visit.text("language")
    language = f"&language={chosen}" if chosen in languages else ""
    return ReaderAnswer(location=f"{FRAMED if framed else '/join'}?done=asked{language}", sends=True)


def _asked_lines(pages: ReaderPages, words: Words) -> list[str]:
    """Return what is told to whoever asked, which is the same for every address, whoever has it."""
    return [words.say("join_asked"), words.say("join_next"), words.say("join_none", editors=pages.editors)]


def _mistaken(
    pages: ReaderPages, visit: Visit, typed: Joining, mistakes: Sequence[Mistake], *, framed: bool
) -> ReaderAnswer:
    words = pages.words_of(visit)
    lines = [(each.field, _sentence(words, each)) for each in mistakes]
    if visit.wants_json:
        errors = [
            {"field": each.field, "code": each.code, "message": line}
            for each, (_, line) in zip(mistakes, lines, strict=True)
        ]
        return _json(400, {"errors": errors})
    return _page(pages, words, typed, lines, framed=framed)


def _page(
    pages: ReaderPages, words: Words, typed: Joining, mistakes: Sequence[tuple[str, str]] = (), *, framed: bool
) -> ReaderAnswer:
    languages = page_languages(pages.settings)
    values = {
        "groups": join_fields(choices_of(pages, words), languages, typed),
        "typed": typed,
        "mistakes": mistakes,
        "wrong": dict(reversed(mistakes)),  # the first of each field
        "lately": _lately(pages, words, typed),
        "consent": consent_of(pages, words),
        "whole": WHOLE,
        "trap": TRAP,
        "action": pages.root + (FRAMED if framed else "/join"),
        "framed": framed,
    }
    status = 400 if mistakes else 200
    return ReaderAnswer("readers/join.html.j2", words, values, status, indexed=not mistakes and not framed)


def _lately(pages: ReaderPages, words: Words, typed: Joining) -> Mapping[ChoiceKey, str]:
    """Return what each choice alone would have brought lately, in words; {} where nothing is known.

    Not beside what was ticked, because each set of choices is counted anew, and anybody may ask for very many.
    """
    with reading(pages.installation.engine) as conn:
        return tell_lately(pages.lately.of(conn, typed.cadence), Interests(), words)


def _fresh(pages: ReaderPages, words: Words) -> Joining:
    """Return the answers that a form begins with."""
    return Joining(cadence=pages.settings.default_cadence, language=words.language)


def _sentence(words: Words, mistake: Mistake) -> str:
    table = "join_wrong" if mistake.code in words.forms["join_wrong"] else "mistake"
    return words.form(table, mistake.code, value=mistake.value)


def _foreign(words: Words, visit: Visit) -> ReaderAnswer:
    line = words.say("join_foreign")
    if visit.wants_json:
        return _json(403, {"errors": [{"field": "", "code": "origin", "message": line}]})
    return told(words, ReaderMessage(words.say("refused_title"), [line, words.say("nothing_changed")], 403))


def _offered(pages: ReaderPages) -> bool:
    return pages.offers_join


def _json(status: int, document: Mapping[str, object]) -> ReaderAnswer:
    body = json.dumps(document, ensure_ascii=False).encode()
    return ReaderAnswer(status=status, body=body, media_type="application/json")


PAGES = (
    ReaderRoute("/join", _show, _take, foreign=True, offered=_offered),
    ReaderRoute(FRAMED, _show_framed, _take_framed, foreign=True, offered=_offered),
)
