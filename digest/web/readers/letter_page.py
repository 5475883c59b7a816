"""Show the copy of a letter in a browser, or a page that says why it cannot be shown."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from digest.desk.test_letter import NOWHERE
from digest.errors import ConfigError
from digest.letter.words import Words
from digest.web.letters import COPY, LETTER_POLICY, NoLetter
from digest.web.readers.message import ReaderMessage, told
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit

_log = logging.getLogger(__name__)


def _show(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    words = pages.words_of(visit)
    if visit.token == COPY:
        lines = [words.say("copy"), words.say("copy_yours"), words.say("copy_ask", editors=pages.editors)]
        return _instead(words, "copy_title", lines, 404)
    if visit.token == NOWHERE:
        return _instead(words, "test_title", [words.say("test"), words.say("test_readers")], 404)
    try:
        html = pages.letters.page(visit.token)
    except NoLetter as error:
        return _instead(words, "no_letter_title", [str(error)], 404)
    except ConfigError as error:
        _log.error("web: a letter cannot be shown: %s", error)
        return _instead(words, "unshown_title", [words.say("unshown")], 503)
    return ReaderAnswer(body=html.encode(), headers={"Content-Security-Policy": LETTER_POLICY})


def _instead(words: Words, title: str, lines: Sequence[str], status: int) -> ReaderAnswer:
    return told(words, ReaderMessage(words.say(title), lines, status))


PAGES = (ReaderRoute("/letters/{token}", _show),)
